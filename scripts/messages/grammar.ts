import { houseWordsIn } from "../house_words.ts";
import type { Message } from "./collect.ts";
import { WHAT_TO_DO } from "./what_to_do.ts";

/** Refusals that end with the text of another function, which holds the advice. */
const COMPOSED = new Set([
  "PROCESSOR=module:<path> exports <problem> as <name>",
  "PROCESSOR=module:<path> <loadProblem>",
  "PROCESSOR=module:<path> <readProblem>",
  "FILTER <errorText>",
  "PROCESSOR <errorText>",
  "<what><end> <value> it as pulling-agent <usageOf>",
  "--filter <message>",
  "<message>; until then, <so>",
]);

/** A log line is read in a narrow column: a longer text belongs into a field. */
const MAX_LOG_LINE = 160;

/**
 * Checks every message against the one grammar; every sentence returned is a violation.
 *
 * A refusal or failure reads "what and where: how to mend it". A log line is a sentence without its full stop; one of
 * WARNING or ERROR says how to mend it in the same way, in a field `mend`, or in the list of docs/messages.md.
 */
export function checkMessages(messages: readonly Message[]): string[] {
  const texts = new Set(messages.map(({ text }) => text));
  const unused = [...Object.keys(WHAT_TO_DO), ...COMPOSED].filter((text) => !texts.has(text));
  return [
    ...messages.flatMap((message) =>
      problemsOf(message).map((problem) => `${message.file}:${message.line} "${message.text}" ${problem}`)
    ),
    ...unused.map((text) => `scripts/messages/ names "${text}", which no code prints: remove or correct it`),
  ];
}

function problemsOf(message: Message): string[] {
  const { channel, text } = message;
  const problems = wordsOf(text);
  if (channel === "refusal" || channel === "failure") {
    if (!saysHowToMend(text) && !COMPOSED.has(text)) {
      problems.push(`does not say how to mend it: write "what and where: what to do"`);
    }
  }
  if (channel === "log") {
    if (!/^[A-Z<]/.test(text)) problems.push("is a log line that does not begin with a capital letter");
    if (text.length > MAX_LOG_LINE) {
      problems.push(`is longer than ${MAX_LOG_LINE} characters: put details into fields`);
    }
    if (needsAdvice(message) && !(text in WHAT_TO_DO)) {
      problems.push("does not say what to do: add it after a colon, as a field mend, or to what_to_do.ts");
    }
  }
  return problems;
}

/** Whether this log line alone leaves its reader without advice. */
function needsAdvice({ channel, hasMend, level, text }: Message): boolean {
  return channel === "log" && (level === "WARNING" || level === "ERROR") && !hasMend && !saysHowToMend(text);
}

/** After a colon, or as the question "did you mean". A colon that only an error follows says nothing. */
function saysHowToMend(text: string): boolean {
  const [, advice] = /^.*?: (.*)$/s.exec(text) ?? [];
  return advice !== undefined && !/^<\w*(error|errorText|message|reason)>$/i.test(advice);
}

function wordsOf(text: string): string[] {
  const problems = houseWordsIn(text);
  if (/\bplease\b/i.test(text)) problems.push('says "please": say what to do');
  if (/[!]$/.test(text)) problems.push("ends with an exclamation mark: leave it out");
  if (/ {2}/.test(text) && !text.includes("<")) problems.push("has two spaces in a row");
  return problems;
}
