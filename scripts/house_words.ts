/**
 * The house dictionary, as far as a program can look it up: words that are not written for people, and what to write
 * instead. CONTRIBUTING.md has all of it, with examples.
 *
 * @module
 */

/** In documents and messages. */
const WORDS: Record<string, string> = {
  whoever: "the caller, another agent, you",
  whichever: "any",
  whatever: "any, or name what it is",
  wherever: "the place itself",
  nobody: "no one, no agent, no handler",
  somebody: "another agent, another process, you",
  everybody: "all agents, all users",
  elsewhere: "the place itself",
  "at the most": "at most",
  "at the least": "at least",
  "told of": "reported, logged",
  "cannot be had": "is not available",
  "of ours": "its own, the agent's",
  "for ever": "forever",
};

const FORBIDDEN = new RegExp(`\\b(${Object.keys(WORDS).join("|")})\\b`, "gi");

/** Says of each forbidden word in a text what to write instead. */
export function houseWordsIn(text: string): string[] {
  return [...text.matchAll(FORBIDDEN)].map(([word]) => `says "${word}": say ${WORDS[word.toLowerCase()]}`);
}

/**
 * Reports each line of a document that says a forbidden word. Code is left alone: what a program prints or is called is
 * not for the document to choose. The lines of CHANGELOG.md are history.
 */
export async function checkWords(root: string, paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths.filter((path) => /^([A-Z]+|docs\/.*|\.github\/.*)\.md$/.test(path))) {
    if (path === "CHANGELOG.md") continue;
    const text = await Deno.readTextFile(`${root}/${path}`).catch(() => "");
    for (const [index, line] of withoutCode(text).split("\n").entries()) {
      found.push(...houseWordsIn(line).map((problem) => `${path}:${index + 1} ${problem}`));
    }
  }
  return found;
}

/** The text with blank lines for its blocks of code, and nothing for code in a line, so that line numbers stay. */
function withoutCode(text: string): string {
  return text
    .replaceAll(/^( *)(`{3,}).*\n[^]*?^\1\2$/gm, (block) => block.replaceAll(/[^\n]/g, ""))
    .replaceAll(/`[^`\n]+`/g, "");
}
