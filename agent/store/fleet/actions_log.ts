import type { Collection, Document } from "mongodb";
import { validDate } from "../../lib/valid_date.ts";
import { secrets } from "../../text/redact.ts";
import { inOneLine } from "../../text/terminal_text.ts";
import { MARK } from "./control_document.ts";
import { refuseRegistryOfOthers } from "./registry_of_others.ts";
import { textOf } from "./stored_text.ts";

/** Actions are kept for so long, in milliseconds, and so many of them. */
const [KEPT_MS, KEPT] = [30 * 86_400_000, 1000];
/** Work that goes on tells so at least so often, in milliseconds, and counts as interrupted after so many times as long. */
export const RUNNING_EVERY_MS = 10_000;
const MISSED = 6;
/** A text is kept up to this length, in UTF-16 units. */
const MAX_TEXT = 1000;
/** The ids of actions: text that begins with this, then with the time. */
const PREFIX = "action ";
const ALL = { $gte: PREFIX, $lt: "action!" } as const;

/** What an operator did, as it is kept. */
export interface LoggedAction {
  readonly at: Date | undefined;
  readonly action: string;
  readonly by: string;
  readonly reason: string | undefined;
  /** What was meant, for people. */
  readonly what: string | undefined;
  /** How many documents were changed, or so far; undefined if that is not counted. */
  readonly count: number | undefined;
  /** `interrupted`: it was under way, and has told nothing for long. */
  readonly state: "done" | "running" | "interrupted";
}

/** What to keep of an action. */
interface NewAction extends Omit<LoggedAction, "at" | "state"> {
  /** It has only begun: {@linkcode ActionsLog.progress} tells how it goes on. */
  readonly isRunning: boolean;
}

/** Keeps what operators do, beside the entries of the agents. Its methods throw what the driver throws. */
export class ActionsLog {
  readonly #options: ActionsLogOptions;

  constructor(options: ActionsLogOptions) {
    this.#options = options;
  }

  /**
   * Adds an action; returns its id. Older ones than are kept are removed.
   *
   * @throws {RegistryOfOthersError} If the collection is not the agents'.
   */
  async add({ action, by, count, isRunning, reason, what }: NewAction): Promise<string> {
    const { collection, now } = this.#options;
    await refuseRegistryOfOthers(this.#options);
    const at = now();
    const id = `${PREFIX}${at.toISOString()} ${crypto.randomUUID()}`;
    const texts = Object.entries(defined({ action, by, reason, what })).map((
      [name, text],
    ) => [name, clean(text)]);
    const runs = isRunning ? { running_at: at, count: 0 } : {};
    const fields = { ...Object.fromEntries(texts), at, ...defined({ count }), ...runs };
    await collection.insertOne({ _id: id as never, ...MARK, ...fields });
    // It is added: what fails from here on is made up for by the next one.
    await this.#removeOld(at).catch(() => {});
    return id;
  }

  /** Tells how many documents an action has changed so far, or in the end. */
  async progress(id: string, count: number, isOver: boolean): Promise<void> {
    const { collection, now } = this.#options;
    const change = isOver
      ? { $set: { count }, $unset: { running_at: "" } }
      : { $set: { count, running_at: now() } };
    await collection.updateOne({ _id: id as never, ...MARK }, change);
  }

  /** The newest actions, the newest first. */
  async newest(limit: number): Promise<LoggedAction[]> {
    const { collection, maxTimeMS } = this.#options;
    const found = await collection.find({ _id: ALL as never, ...MARK }, {
      sort: { _id: -1 },
      limit,
      hint: { _id: 1 },
      maxTimeMS,
    }).toArray();
    const nowMs = this.#options.now().getTime();
    return found.map((document) => actionOf(document, nowMs));
  }

  /** Without the right to remove all are kept. */
  async #removeOld(now: Date): Promise<void> {
    const { collection, maxTimeMS } = this.#options;
    const [last] = await collection.find({ _id: ALL as never, ...MARK }, {
      sort: { _id: -1 },
      skip: KEPT,
      limit: 1,
      projection: { _id: 1 },
      hint: { _id: 1 },
      maxTimeMS,
    }).toArray();
    const byAge = `${PREFIX}${new Date(now.getTime() - KEPT_MS).toISOString()}`;
    const byNumber = last === undefined ? "" : `${last._id}!`;
    const end = byNumber > byAge ? byNumber : byAge;
    await collection.deleteMany({ _id: { $gte: PREFIX, $lt: end } as never, ...MARK }, { maxTimeMS });
  }
}

/** A user may have edited it: it can hold anything. */
function actionOf(
  { action, at, by, count, reason, running_at: runningAt, what }: Document,
  nowMs: number,
): LoggedAction {
  // A time that is far ahead was written before the server's clock was set back.
  const isLost = Math.abs(nowMs - (validDate(runningAt)?.getTime() ?? -Infinity)) > MISSED * RUNNING_EVERY_MS;
  return {
    at: validDate(at),
    action: textOf(action) ?? "",
    by: textOf(by) ?? "",
    reason: textOf(reason),
    what: textOf(what),
    count: typeof count === "number" ? count : undefined,
    state: runningAt === undefined ? "done" : isLost ? "interrupted" : "running",
  };
}

function clean(text: string): string {
  return inOneLine(secrets.text(text, MAX_TEXT));
}

function defined(fields: Document): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What an {@linkcode ActionsLog} needs. */
export interface ActionsLogOptions {
  /** That of the agents' entries. */
  readonly collection: Collection;
  /** Its name, with its database. */
  readonly name: string;
  /** Bound of a query, in milliseconds. */
  readonly maxTimeMS: number;
  /** The server's time. */
  now(): Date;
}
