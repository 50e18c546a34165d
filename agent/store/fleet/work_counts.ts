import type { Collection, Document, Filter } from "mongodb";
import { errorText } from "../../errors.ts";
import { MAX_COUNTED } from "../../events.ts";
import type { Clock } from "../../lib/clock.ts";
import { validDate } from "../../lib/valid_date.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { LetterCount } from "../dead_letters/letter_count.ts";
import { isAnswer, isOutOfTime } from "../mongo_errors.ts";
import { growingCount } from "../growing_count.ts";
import { CLAIM_INDEX, CLAIM_ORDER, heldAt, scheduledAt } from "../queries.ts";
import { WaitingCount } from "../waiting_count.ts";
import { refusedText } from "./refused_text.ts";

/** Documents of each kind are counted by keys, up to this number: that takes a server a tenth of a second. */
export const MAX_SHOWN = 100_000;
/** A count begins with so many: how many there are at least is known, also if the server takes too long for all. */
const FIRST = 100;
/** The server gives up what it counts after this long, in milliseconds. */
const MAX_TIME_MS = 1500;

/** A number of documents; `capped` if counting ended there, so that there are as many or more. */
export interface Counted {
  readonly n: number;
  readonly capped: boolean;
}

/** Of what was not counted in time, there are as many or more. Undefined if it is counted, or if none were found. */
export interface AtLeast {
  readonly waiting: number | undefined;
  readonly scheduled: number | undefined;
  readonly inFlight: number | undefined;
  readonly deadLetters: number | undefined;
}

/** What there is to do, as one look has found it. What is not known is undefined. */
export interface WorkLook {
  /** By the server's clock. */
  readonly at: Date;
  /** Documents that could be claimed. */
  readonly waiting: Counted | undefined;
  /** How long the oldest of them has waited, in milliseconds; undefined if none of them tells. */
  readonly oldestMs: number | undefined;
  /** Pending documents whose time is to come. */
  readonly scheduled: Counted | undefined;
  /** In how many milliseconds the first of them is due; undefined if there is none. */
  readonly nextDueMs: number | undefined;
  /** Documents in processing whose lease has not run out. */
  readonly inFlight: Counted | undefined;
  readonly deadLetters: Counted | undefined;
  readonly atLeast: AtLeast;
  /** Why anything is not known, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Counts all that operators look at, in parallel: each count goes by an index or fails, counts
 * {@linkcode MAX_SHOWN} keys at most, and ends after {@linkcode MAX_TIME_MS}. So an answer comes within two seconds, however
 * many documents there are. It counts in steps, and reads a ninth more for the smaller ones. Of dead letters at most
 * {@linkcode MAX_COUNTED} are counted: each has to be read.
 */
export class WorkCounts {
  readonly #options: WorkCountsOptions;
  readonly #letters: LetterCount;
  readonly #waiting: WaitingCount;

  constructor(options: WorkCountsOptions) {
    // So many are read at first in any case.
    const limits = { firstLimit: 10 * FIRST, limit: MAX_SHOWN, maxTimeMS: MAX_TIME_MS };
    this.#options = options;
    this.#letters = new LetterCount({ ...options, ...limits, limit: MAX_COUNTED });
    this.#waiting = new WaitingCount({ ...options, ...limits, maxLookMs: MAX_TIME_MS });
  }

  /** Looks once; one look at a time. Throws what the driver throws if the server does not answer. */
  async look(): Promise<WorkLook> {
    const { serverClock, syncClock } = this.#options;
    if (!serverClock.isKnown) await syncClock();
    const at = serverClock.now();
    const problems: Problem[] = [];
    const tried = async <T>(what: What, ask: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await ask();
      } catch (error) {
        problems.push({ what, error });
      }
    };
    const reached: Partial<Record<What, Group>> = {};
    const count = (what: What, query: Filter<Document>) =>
      tried(what, () => this.#count(query, (found) => reached[what] = found));
    const [waiting, scheduled, held, letters] = await Promise.all([
      this.#waiting.look(),
      count("scheduled", scheduledAt(at)),
      count("inFlight", heldAt(at)),
      tried("deadLetters", () => this.#letters.read()),
    ]);
    problems.push(...waiting.problems.map((error) => ({ what: "waiting" as const, error })));
    for (const { error } of problems) if (!isAnswer(error)) throw error;
    const atLeast = {
      waiting: waiting.atLeast,
      scheduled: scheduled ? undefined : reached.scheduled?.documents,
      inFlight: held ? undefined : reached.inFlight?.documents,
      deadLetters: letters === undefined ? this.#letters.atLeast : undefined,
    };
    const notes = problems.map(({ error, what }) => note(NAMES[what], error, atLeast[what] !== undefined));
    if (letters === undefined && !problems.some(({ what }) => what === "deadLetters")) {
      const which = atLeast.deadLetters === undefined
        ? "The dead letters are not"
        : "Not all dead letters are";
      notes.push(`${which} counted: more than ${MAX_COUNTED} of several collections are kept together`);
    }
    const nextDue = (scheduled ?? reached.scheduled)?.first;
    return {
      at,
      waiting: counted(waiting.claimable),
      oldestMs: waiting.claimable === 0 ? undefined : waiting.oldestMs,
      scheduled: counted(scheduled?.documents),
      nextDueMs: nextDue && Math.max(0, nextDue.getTime() - at.getTime()),
      inFlight: counted(held?.documents),
      deadLetters: counted(letters, MAX_COUNTED),
      atLeast,
      notes: [...new Set(notes)],
    };
  }

  /** How many documents match, and the earliest time that stands on one. */
  async #count(query: Filter<Document>, reached: (found: Group) => void): Promise<Group> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + MAX_TIME_MS;
    const timeLimit = () => Math.max(1, Math.floor(endMs - clock.monotonicMs()));
    return await growingCount({
      first: FIRST,
      limit: MAX_SHOWN,
      count: (upTo) => this.#group(query, upTo, timeLimit()),
      reached,
    });
  }

  async #group(query: Filter<Document>, limit: number, maxTimeMS: number): Promise<Group> {
    const { collection, filter } = this.#options;
    const [group] = await collection.aggregate([
      { $match: filter ? { $and: [query, filter] } : query },
      { $sort: CLAIM_ORDER },
      { $limit: limit },
      { $group: { _id: null, documents: { $sum: 1 }, first: { $min: "$_pull.visible_at" } } },
    ], { hint: CLAIM_INDEX, maxTimeMS }).toArray();
    return { documents: group?.documents ?? 0, first: validDate(group?.first) };
  }
}

/** Documents that match, and the earliest time that stands on one of them. */
interface Group {
  readonly documents: number;
  readonly first: Date | undefined;
}

const NO_INDEX =
  "Documents are not counted: the index of the claims is missing, and doctor prints the command to make it";

function counted(n: number | undefined, limit = MAX_SHOWN): Counted | undefined {
  return n === undefined ? undefined : { n, capped: n >= limit };
}

const NAMES = {
  waiting: "documents that wait",
  scheduled: "documents that are scheduled",
  inFlight: "documents in flight",
  deadLetters: "dead letters",
} as const satisfies Record<keyof AtLeast, string>;
type What = keyof typeof NAMES;

/** What could not be counted, and why. */
interface Problem {
  readonly what: What;
  readonly error: unknown;
}

function note(name: string, error: unknown, areSomeCounted: boolean): string {
  if (/\bhint\b/.test(errorText(error))) return NO_INDEX;
  const why = isOutOfTime(error)
    ? `that takes the server longer than ${MAX_TIME_MS / 1000} s`
    : refusedText(error);
  return areSomeCounted ? `Not all ${name} are counted: ${why}` : `The ${name} are not counted: ${why}`;
}

/** What {@linkcode WorkCounts} need. */
export interface WorkCountsOptions {
  clock: Clock;
  collection: Collection;
  letters: Collection;
  /** `FILTER`: only documents that match it as well are counted. */
  filter: Filter<Document> | undefined;
  serverClock: ServerClock;
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}
