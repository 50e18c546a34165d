import { formatId } from "../../agent/store/documents/format_id.ts";
import type { MissingStory, Story } from "../../agent/store/why/story.ts";
import { secrets } from "../../agent/text/redact.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import type { AgentHere } from "./agent_here.ts";
import { type Mend, mendOf, restoreOf } from "./mends.ts";
import { obstacleText, valueText } from "./obstacle_text.ts";
import { type AnswerSettings, headline, nextText } from "./story_answer.ts";
import { untilText } from "./time_text.ts";

/** This much of an error is shown, in UTF-16 units. */
const MAX_ERROR = 300;

/** The story of a document for people, in lines. */
export function storyText(story: Story, settings: AnswerSettings, here: AgentHere | undefined): string {
  const { collection, database, facts, isChanging, isNear } = story;
  const near = isNear ? ", which is not the id as it was typed, but near to it" : "";
  const head = `${formatId(story.id)} (${facts.id.type}) in ${database}.${collection}${near}`;
  return [
    oneLine(head),
    "",
    `${oneLine(headline(story))}.`,
    ...story.obstacles.flatMap((obstacle) => [
      `- ${oneLine(obstacleText(obstacle, story))}.`,
      ...mendLines(mendOf(obstacle, story)),
    ]),
    ...(isChanging ? ["- It was changed each time that it was read: run this again."] : []),
    `Next: ${oneLine(nextText(story, settings, here))}.`,
    "",
    ...rows(story, settings, here).map(([name, text]) => `${name.padEnd(12)} ${oneLine(text)}`),
  ].join("\n");
}

/** What is known of a document that is not there, in lines. */
export function missingText(story: MissingStory): string {
  const { collection, database, inOthers, letter, lettersCollection, text } = story;
  const lines = [`There is no document with the id ${JSON.stringify(text)} in ${database}.${collection}`];
  const own = letter?.letters.own;
  if (own !== undefined) {
    const copy = own.hasCopy ? "which holds a copy of it" : "which holds no copy of it";
    const at = own.deadAt === undefined ? "" : ` of ${own.deadAt.toISOString()}`;
    lines.push(
      `- It was deleted after it had failed: there is a dead letter${at} in ${lettersCollection}, ${copy}`,
    );
  } else if (letter?.letters.ofOther !== undefined) {
    lines.push(
      `- ${lettersCollection} has a dead letter with this id, of the collection ${letter.letters.ofOther}`,
    );
  }
  const mend = mendLines(restoreOf(story));
  const other = inOthers.map(({ collection: name, isLetter }) =>
    isLetter
      ? `- ${name} has a dead letter of it: look at DEAD_LETTER_COLLECTION`
      : `- ${name} has a document with this id: look at MONGODB_COLLECTION`
  );
  const none = lines.length + other.length === 1
    ? ["- It was never inserted here, or was deleted: look at MONGODB_DATABASE and MONGODB_COLLECTION"]
    : [];
  return [...lines.map(oneLine), ...mend, ...[...other, ...none].map(oneLine)].join("\n");
}

/** A command in a line of its own, that can be copied as it is. */
function mendLines(mend: Mend | undefined): string[] {
  if (mend === undefined) return [];
  return [`  ${mend.tool === "mongosh" ? "In mongosh" : "In a shell"}: ${printable(mend.command)}`];
}

function rows(
  story: Story,
  { maxAttempts }: AnswerSettings,
  here: AgentHere | undefined,
): [string, string][] {
  const { bookkeeping = {}, bytes, facts, letters, lettersCollection, now } = story;
  const { alone, attempts, dead_at: deadAt, takeovers } = bookkeeping;
  const found: [string, string | undefined][] = [
    ["status", valueText(facts.status)],
    ["size", `${bytes} bytes`],
    ["attempts", attempts === undefined ? undefined : `${attempts} of ${maxAttempts}`],
    ["snoozes", facts.snoozes > 0 ? String(facts.snoozes) : undefined],
    ["lease", facts.hasToken ? leaseText(story) : undefined],
    ["due", !facts.hasToken && facts.visibleAtDate ? untilText(facts.visibleAtDate, now) : undefined],
    ["takeovers", takeovers ? `${takeovers} leases on it have expired since its last outcome` : undefined],
    ["alone", alone ? `${alone} times it ran with nothing else in flight, as a suspect` : undefined],
    ["verdict", deadAt ? `it is a dead letter since ${untilText(deadAt, now)}` : undefined],
    ["checkpoint", facts.saved && `number ${facts.saved.number ?? "?"}, ${facts.saved.bytes} bytes`],
    ["error", facts.error && errorLine(facts.error)],
    ...facts.errors.map(({ at, attempt, message }): [string, string] => [
      `attempt ${attempt ?? "?"}`,
      `${at?.toISOString() ?? "(no date)"}  ${errorLine(message)}`,
    ]),
    ["letter", letterLine(letters, lettersCollection)],
    ["agent", agentText(here)],
    ["server time", now.toISOString()],
  ];
  return found.filter((row): row is [string, string] => row[1] !== undefined);
}

function leaseText({ facts: { owner, visibleAt, visibleAtDate }, now }: Story): string {
  const until = visibleAtDate === undefined ? valueText(visibleAt) : untilText(visibleAtDate, now);
  return `of ${owner ?? "(no name)"}, until ${until}`;
}

function letterLine({ isForbidden, ofOther, own }: Story["letters"], collection: string): string | undefined {
  if (isForbidden) return `this user may not read ${collection}`;
  if (ofOther !== undefined) {
    return `${collection} has a letter with this _id of the collection ${ofOther}, which is in the way of one of this ` +
      "document: set DEAD_LETTER_COLLECTION to a collection of its own";
  }
  if (own === undefined) return undefined;
  const stale = own.stands ? "" : ", which does not fit the document any more and counts for nothing";
  return `${own.deadAt?.toISOString() ?? "(no date)"} in ${collection}${stale}`;
}

function agentText(here: AgentHere | undefined): string {
  if (here === undefined) return "no agent uses this HEALTH_DIR: what other agents do is not known here";
  const { isAlive, status: { control, held, name, ready, state } } = here;
  const alive = isAlive ? state : "not responding";
  return `${name} of this HEALTH_DIR: ${alive}, ${control.state} by ${control.source}, ${
    ready ? "ready" : "not ready"
  }, holds ${held.documents} documents and runs ${held.running}`;
}

function errorLine(error: string): string {
  return secrets.text(error, MAX_ERROR);
}

function oneLine(text: string): string {
  return inOneLine(text);
}
