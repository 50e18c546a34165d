const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What terminals send for keys that are no characters. */
const SEQUENCES: Record<string, string> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  "\x1b[5~": "page up",
  "\x1b[6~": "page down",
  "\x1b[H": "home",
  "\x1bOH": "home",
  "\x1b[1~": "home",
  "\x1b[F": "end",
  "\x1bOF": "end",
  "\x1b[4~": "end",
  "\x1b": "escape",
  "\x03": "quit",
  "\x04": "quit",
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x15": "clear",
};

/** A sequence of a key, a control character, or else text. */
const EACH = new RegExp(`\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|O[A-Z])|\\p{Cc}|\\P{Cc}+`, "gu");

/** The keys in what a terminal has sent: names of those that are no characters; those that mean nothing are left out. */
export function keysIn(sent: string): string[] {
  return (sent.match(EACH) ?? []).flatMap((part) => {
    const named = SEQUENCES[part];
    if (named !== undefined) return [named];
    if (/^\p{Cc}/u.test(part)) return [];
    return Array.from(graphemes.segment(part), ({ segment }) => segment);
  });
}

/** The last character as a person sees it is gone. */
export function withoutLast(text: string): string {
  const characters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  return characters.slice(0, -1).join("");
}
