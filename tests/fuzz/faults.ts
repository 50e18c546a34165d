import type { MongoClient } from "mongodb";
import { isDoubtful, isTransientWrite } from "../../agent/store/mongo_errors.ts";
import { integerFrom, pick } from "../support/random.ts";

/**
 * Every command that the agent sends, the driver's own among them: a test records what a run sends, and fails when one is
 * not in this list.
 */
export const COMMANDS = [
  "abortTransaction",
  "aggregate",
  "buildInfo",
  "commitTransaction",
  "count",
  "createIndexes",
  "delete",
  "endSessions",
  "find",
  "getMore",
  "hello",
  "insert",
  "isMaster",
  "killCursors",
  "listCollections",
  "listIndexes",
  "saslContinue",
  "saslStart",
  "update",
] as const;

/**
 * Whether a fault says of a document, by its code, that the document itself is refused: the agent has to believe it. Every
 * other fault is the server's, and no document may suffer for it.
 */
export function mayBlame({ commands, data: { errorCode, errorLabels } }: Fault): boolean {
  if (errorCode === undefined) return false;
  // Other labels say nothing of a write.
  const labels = (errorLabels ?? []) as string[];
  if (labels.includes("RetryableWriteError") || labels.includes("TransientTransactionError")) return false;
  const write = { code: Number(errorCode) };
  // A processor has chosen the collection of its writes.
  if (write.code === ILLEGAL_OPERATION && commands.includes("insert")) return true;
  return !isTransientWrite(write) && !isDoubtful(write);
}

/** What a server does to commands of one client, for a while. */
export interface Fault {
  commands: string[];
  /** When it begins, in milliseconds after the one before it. */
  afterMs: number;
  /** How many commands it hits; or for how long it hits all, in milliseconds. */
  times?: number;
  forMs?: number;
  /** What is done to them, in the words of `failCommand`. */
  data: Record<string, unknown>;
}

/** A server refuses so what a collection does not allow. */
const ILLEGAL_OPERATION = 20;
/** Codes by which servers fail: those that pass, those that do not, and those that no one expects. */
const CODES = [
  ...[6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 16500, 50, 112, 251],
  ...[1, 2, 8, 9, 11, 13, 14, 18, 26, 43, 59, 85, 96, 121, 133, 225, 238, 280, 286, 11000, 10334, 17419, 20],
  ...[4242, 65_535, 2_147_483_647],
];
const LABELS = [
  "RetryableWriteError",
  "TransientTransactionError",
  "ResumableChangeStreamError",
  "NoWritesPerformed",
];
const WRITE_CONCERN_CODES = [64, 91, 100, 79, 11_602, 4242];

/** What work is made of; the others are sent once in a while. */
const COMMON = ["find", "update", "update", "hello", "insert", "commitTransaction"];

/** A fault of any kind. */
export function randomFault(random: () => number): Fault {
  const commands = random() < 0.3
    ? [...COMMANDS]
    : Array.from({ length: integerFrom(random, 1, 3) }, () =>
      pick(random, random() < 0.6 ? COMMON : COMMANDS));
  const length = random() < 0.6
    ? { times: integerFrom(random, 1, 4) }
    : { forMs: pick(random, [20, 100, 400, 1500]) };
  return {
    commands: [...new Set(commands)],
    afterMs: pick(random, [0, 0, 5, 40]),
    ...length,
    data: randomData(random),
  };
}

function randomData(random: () => number): Record<string, unknown> {
  const blocked = random() < 0.2
    ? { blockConnection: true, blockTimeMS: pick(random, [10, 100, 700, 1200, 2500]) }
    : {};
  const kind = random();
  if (kind < 0.25) return { ...blocked, closeConnection: true };
  if (kind < 0.4) {
    const code = pick(random, WRITE_CONCERN_CODES);
    return { ...blocked, writeConcernError: { code, errmsg: "as the fuzzer says" } };
  }
  if (kind < 0.5) return { blockConnection: true, blockTimeMS: pick(random, [10, 100, 700, 1200, 2500]) };
  // Labels come with an error alone: a command that goes on, and runs another which is hit, aborts a server of version 6.
  const errorLabels = random() < 0.3 ? { errorLabels: [pick(random, LABELS)] } : {};
  return { ...blocked, ...errorLabels, errorCode: pick(random, CODES) };
}

/** Has the server do to the client `appName` what the faults say, one after the other; then to none any more. */
export async function inflict(admin: MongoClient, appName: string, faults: readonly Fault[]): Promise<void> {
  for (const { commands, afterMs, times, forMs, data } of faults) {
    await pause(afterMs);
    await configure(admin, times === undefined ? "alwaysOn" : { times }, {
      ...data,
      appName,
      failCommands: commands,
    });
    // One that hits so many commands lasts until the next one, or the end.
    await pause(forMs ?? 30);
  }
  await pause(200);
  await configure(admin, "off");
}

async function configure(admin: MongoClient, mode: unknown, data?: Record<string, unknown>): Promise<void> {
  await admin.db("admin").command({ configureFailPoint: "failCommand", mode, ...(data && { data }) });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
