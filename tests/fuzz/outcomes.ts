import type { TestDatabase } from "../support/mongod.ts";
import type { InProcessAgent } from "../support/in_process_agent.ts";
import { type AnyDocument, jobs, letters } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import type { Meaning } from "./answers.ts";
import { brokenInText } from "./output.ts";

/** How long documents may take to end, and an agent to drain, in milliseconds. */
const [REST_LIMIT_MS, DRAIN_LIMIT_MS] = [40_000, 20_000];

/** Has an agent work until each document has ended, and drain; returns what is broken then. */
export async function brokenAfter(
  agent: InProcessAgent,
  database: TestDatabase,
  { meanings, maxAttempts }: Expected,
): Promise<string[]> {
  const left = { status: { $in: ["pending", "processing"] } };
  const isOver = async () => await jobs(database).countDocuments(left) === 0;
  await waitFor("all to end", isOver, { timeoutMs: REST_LIMIT_MS }).catch(() => {});
  const broken: string[] = [];
  let isDrained = false;
  agent.drain().then(() => isDrained = true);
  await waitFor("the drain to end", () => isDrained, { timeoutMs: DRAIN_LIMIT_MS })
    .catch(() => broken.push("A drain does not end"));
  const found = await jobs(database).find().toArray() as AnyDocument[];
  if (found.length !== meanings.length) broken.push(`${meanings.length - found.length} documents are lost`);
  const copied = new Set((await letters(database).distinct("_id")).map(Number));
  for (const document of found) {
    const { _id, status, error, _pull } = document;
    const say = (what: string) => broken.push(`${what} (document ${_id}: ${String(error)})`);
    if (status !== "processed" && status !== "failed") say(`A document stays ${status}`);
    if (status === "failed" && !copied.has(_id)) say("A document is failed and has no dead letter");
    if (_pull.attempts > maxAttempts) say(`A document has ${_pull.attempts} attempts`);
    if (status === "failed") broken.push(...brokenInText(String(error)));
    if (status === "failed" && String(error ?? "") === "") say("An error says nothing");
    for (const what of judge(document, meanings[_id]!)) say(what);
  }
  return broken;
}

/** What is to become of the documents, by their numbers. */
interface Expected {
  meanings: readonly Meaning[];
  maxAttempts: number;
}

function judge({ _id, status, value }: AnyDocument, meaning: Meaning): string[] {
  if (value !== undefined && value !== _id) return [`A document has the value ${value} of another answer`];
  if (status === "failed" && value !== undefined) return ["A document has failed and has its result"];
  if (meaning === "any") return [];
  if (status === "processed" && meaning === "fail") {
    return ["A document is processed whose answer is a failure"];
  }
  if (status === "failed" && meaning !== "fail") return ["A document has failed whose answer is none"];
  if (status === "processed" && (value !== undefined) !== (meaning === "set")) {
    return [`A document is processed with ${value} as its value`];
  }
  return [];
}
