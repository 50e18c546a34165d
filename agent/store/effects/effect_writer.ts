import { type Collection, MongoError } from "mongodb";
import { backoffMs } from "../../lib/backoff.ts";
import type { Chance } from "../../lib/chance.ts";
import type { Clock } from "../../lib/clock.ts";
import { sleep } from "../../lib/deadline.ts";
import { RefusedEffectError, RefusedWritesError, UnansweredWritesError } from "../../partial_writes.ts";
import type { Ack, LeasedDocument, Settlement } from "../../ports.ts";
import { OperationTimeoutError, timeLimits } from "../connection/operation_timeout.ts";
import { stillHeld } from "../held_by.ts";
import { LockedDocumentsError } from "../limited_writes.ts";
import { isForbidden, isRefused, isTransient } from "../mongo_errors.ts";
import { describeWrites } from "./effect_runs.ts";
import { type Ending, endTransaction } from "./one_transaction.ts";
import { EndedTransactionError, OutOfTimeError } from "./transaction_errors.ts";
import { inTransactions, TransactionSize } from "./transaction_size.ts";
import type { Link } from "../connection/link.ts";
import type { StoreContext } from "../store_context.ts";
import { Transactions } from "./transactions.ts";

/** The waits after the first conflicts of a transaction; after the last one its halves go apart. */
const CONFLICT_RETRY = { tries: 2, baseMs: 50, maxMs: 200 };
/**
 * Conflicts in a row after which all documents that are left are taken to be locked. To find the one that is takes about
 * ten among a hundred.
 */
const MAX_CONFLICTS = 14;
/** The transactions of a call begin within this part of a lease: 1 / 3. Their documents are not renewed meanwhile. */
const LEASE_SHARE = 3;
/** What a call reports that ends before all of its transactions have begun: many were refused, or met others. */
const NO_TIME_LEFT = "The transactions took too long";
/** Refusals after which each document that is left gets a transaction of its own. */
const MAX_REFUSALS = 5;

/** What an {@linkcode EffectWriter} needs. */
export interface EffectWriterOptions {
  transactions: Pick<Transactions, "begin">;
  /** The collection that the documents are in. */
  collection: Collection;
  clock: Clock;
  random: Chance;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** All transactions of a call begin within this time, in milliseconds. */
  limitMs: number;
  /** The server works on a command of a transaction for so long at most, in milliseconds. */
  commandMs: number;
}

/** Acks documents together with the writes that their processors ask for: each commits with its writes, or not at all. */
export class EffectWriter {
  readonly #options: EffectWriterOptions;
  /** Documents that had to wait apart: they are not tried among others again. */
  readonly #setApart = new WeakSet<LeasedDocument>();
  readonly #size: TransactionSize;

  constructor(options: EffectWriterOptions) {
    this.#options = options;
    this.#size = new TransactionSize(Math.min(options.commandMs, options.limitMs));
  }

  /**
   * Settles as many of `acks` as possible, in as few transactions as possible. One call at a time.
   *
   * @throws {RefusedWritesError} If some are refused, alone in a transaction, by their position.
   * @throws {UnansweredWritesError} If some are not written, or may not be.
   */
  async write(acks: readonly Ack[]): Promise<Settlement> {
    return await new Call(acks, this.#options, this.#setApart, this.#size).settle();
  }
}

/** The writer of effects of a store. It costs nothing before its first use. */
export function effectWriter(link: Link, options: StoreContext & { random: Chance }): EffectWriter {
  const { clock, collection, leaseMs } = options;
  const commandMs = timeLimits(leaseMs).majorityMs;
  const transactions = new Transactions({ link, clock, database: collection.dbName, commandMs });
  return new EffectWriter({ ...options, transactions, commandMs, limitMs: leaseMs / LEASE_SHARE });
}

/** Documents that are to be written in one transaction. */
interface Part {
  readonly acks: readonly Ack[];
  /** How often their transaction has met another one. */
  readonly conflicts: number;
}

/** One call: what is left of it, and what became of the rest. */
class Call {
  readonly #acks: readonly Ack[];
  readonly #options: EffectWriterOptions;
  readonly #earlier: WeakSet<LeasedDocument>;
  readonly #size: TransactionSize;
  readonly #deadlineMs: number;
  readonly #parts: Part[];
  readonly #missed: LeasedDocument[] = [];
  readonly #refused = new Map<Ack, unknown>();
  /** They wait for others: locked, or in need of a right. */
  readonly #apart: Ack[] = [];
  #apartCause: unknown;
  /** A commit of them has no answer. */
  #unknown: readonly Ack[] = [];
  /** Nothing of them is written, and why that concerns all. */
  #unmade: readonly Ack[] = [];
  #cause: unknown;
  #matched = 0;
  #refusals = 0;
  #conflictsInARow = 0;

  constructor(
    acks: readonly Ack[],
    options: EffectWriterOptions,
    /** Documents of earlier calls that had to wait apart. */
    earlier: WeakSet<LeasedDocument>,
    size: TransactionSize,
  ) {
    this.#acks = acks;
    this.#options = options;
    this.#earlier = earlier;
    this.#size = size;
    this.#deadlineMs = options.clock.monotonicMs() + options.limitMs;
    const [first, last] = [false, true].map((wasApart) =>
      inTransactions(acks.filter(({ document }) => earlier.has(document) === wasApart))
    ) as [Ack[][], Ack[][]];
    this.#parts = [
      ...first.map((each) => ({ acks: each, conflicts: 0 })),
      ...last.map((each) => ({ acks: each, conflicts: CONFLICT_RETRY.tries })),
    ];
  }

  async settle(): Promise<Settlement> {
    for (let part; this.#cause === undefined && (part = this.#parts.shift());) await this.#next(part);
    this.#unmade = [...this.#unmade, ...this.#parts.flatMap(({ acks }) => acks)];
    return this.#settlement();
  }

  async #next({ acks, conflicts }: Part): Promise<void> {
    const { clock, collection, transactions } = this.#options;
    const part = { acks: acks.slice(0, this.#size.documents), conflicts };
    const rest = acks.slice(part.acks.length);
    if (rest.length > 0) this.#parts.unshift({ acks: rest, conflicts });
    const begunMs = clock.monotonicMs();
    if (begunMs >= this.#deadlineMs) {
      const isSlow = this.#size.isReduced;
      return this.#stop(part, isSlow ? new OutOfTimeError() : new OperationTimeoutError(NO_TIME_LEFT));
    }
    try {
      const transaction = await transactions.begin(this.#deadlineMs);
      const ending = await endTransaction(transaction, part.acks, collection.collectionName);
      await this.#ended(part, ending, begunMs);
    } catch (error) {
      this.#stop(part, error);
    }
  }

  async #ended(part: Part, ending: Ending, begunMs: number): Promise<void> {
    const { acks } = part;
    if (ending.kind !== "conflict") this.#conflictsInARow = 0;
    switch (ending.kind) {
      case "committed":
        this.#matched += acks.length;
        this.#size.made(acks.length, this.#options.clock.monotonicMs() - begunMs);
        return;
      case "late":
        return this.#late(part, ending.error, begunMs);
      case "missed":
        return await this.#leaveOut(part);
      case "refused":
        return this.#refuse(acks, ending.ack, ending.error);
      case "conflict":
        return await this.#conflicted(part, ending.error);
      case "forbidden":
        return this.#forbid(acks, ending.collection, ending.error);
      case "unknown":
        this.#unknown = acks;
        this.#cause = ending.error;
        return;
      case "failed":
        return this.#stop(part, ending.error);
      default:
        return ending satisfies never;
    }
  }

  /** The server had no time to make all writes of a part. One that began late in the call does not tell how long they take. */
  #late(part: Part, error: unknown, begunMs: number): void {
    const { clock, limitMs } = this.#options;
    const cause = new OutOfTimeError(error);
    if (clock.monotonicMs() >= this.#deadlineMs && begunMs > this.#deadlineMs - limitMs / 2) {
      return this.#stop(part, cause);
    }
    const [ack, ...others] = part.acks;
    if (others.length === 0) {
      // It is the document that is slow, or the server: the others tell. They do not wait for it again.
      this.#earlier.add(ack!.document);
      this.#refused.set(ack!, new RefusedEffectError(describeWrites(ack!), cause));
      return;
    }
    this.#size.tooLong(part.acks.length);
    this.#parts.unshift(part);
  }

  /** Nothing of a part is written, and nothing of the others would be. */
  #stop({ acks }: Part, cause: unknown): void {
    this.#unmade = acks;
    // A session or a client that was closed meanwhile says nothing of the documents.
    const isOfDriver = cause instanceof MongoError && !isTransient(cause) && !isRefused(cause);
    this.#cause = isOfDriver ? new EndedTransactionError(cause) : cause;
  }

  /** Lets go of those that are not ours any more; the others go together again. */
  async #leaveOut(part: Part): Promise<void> {
    const documents = part.acks.map(({ document }) => document);
    const held = await stillHeld(documents, this.#options);
    const left = part.acks.filter(({ document }) => held.has(document));
    this.#missed.push(...documents.filter((document) => !held.has(document)));
    // An ack that misses a document which is ours has met another write on it.
    if (left.length === part.acks.length) return await this.#conflicted(part, undefined);
    if (left.length > 0) this.#parts.unshift({ acks: left, conflicts: part.conflicts });
  }

  /** One that is refused among others gets a transaction of its own after them: perhaps it was refused because of them. */
  #refuse(acks: readonly Ack[], culprit: Ack | undefined, error: unknown): void {
    if (acks.length === 1) {
      this.#refused.set(acks[0]!, error);
      return;
    }
    this.#refusals += 1;
    if (culprit === undefined) return this.#halve(acks);
    const others = acks.filter((ack) => ack !== culprit);
    const parts = this.#refusals < MAX_REFUSALS ? [others] : others.map((ack) => [ack]);
    this.#parts.unshift(...[...parts, [culprit]].map((each) => ({ acks: each, conflicts: 0 })));
  }

  async #conflicted({ acks, conflicts }: Part, error: unknown): Promise<void> {
    const { clock, random } = this.#options;
    this.#conflictsInARow += 1;
    const { baseMs, maxMs, tries } = CONFLICT_RETRY;
    if (conflicts < tries) {
      const next = { acks, conflicts: conflicts + 1 };
      this.#parts.unshift(next);
      await sleep(clock, baseMs + backoffMs(next.conflicts, { baseMs, maxMs, random }));
    } else if (acks.length > 1 && this.#conflictsInARow < MAX_CONFLICTS) this.#halve(acks, conflicts);
    else this.#setApart(acks, new LockedDocumentsError(acks.length, error));
  }

  /** Those that write to a collection where the agent may not; the others go together again. */
  #forbid(acks: readonly Ack[], collection: string, error: unknown): void {
    const isForbiddenOne = ({ writes = [] }: Ack) => writes.some((write) => write.collection === collection);
    const others = acks.filter((ack) => !isForbiddenOne(ack));
    this.#setApart(acks.filter(isForbiddenOne), error);
    if (others.length > 0) this.#parts.unshift({ acks: others, conflicts: 0 });
  }

  #setApart(acks: readonly Ack[], cause: unknown): void {
    this.#apart.push(...acks);
    for (const { document } of acks) this.#earlier.add(document);
    if (this.#apartCause === undefined || isForbidden(cause)) this.#apartCause = cause;
  }

  #halve(acks: readonly Ack[], conflicts = 0): void {
    const half = (acks.length + 1) >> 1;
    const halves = [acks.slice(0, half), acks.slice(half)];
    this.#parts.unshift(...halves.map((each) => ({ acks: each, conflicts })));
  }

  #settlement(): Settlement {
    const settlement = { matched: this.#matched, missed: this.#missed };
    const refused = new Map([...this.#refused].map(([ack, error]) => [this.#acks.indexOf(ack), error]));
    const unmade = [...this.#unmade, ...this.#apart];
    const open = new Set([...this.#unknown, ...unmade]);
    if (open.size > 0) {
      const cause = this.#cause ?? this.#apartCause;
      throw new UnansweredWritesError(this.#positionsOf(open), settlement, cause, {
        isApart: this.#cause === undefined,
        unmade: this.#positionsOf(new Set(unmade)),
        refused,
      });
    }
    if (refused.size === 0) return settlement;
    throw new RefusedWritesError(refused, settlement);
  }

  #positionsOf(acks: ReadonlySet<Ack>): Set<number> {
    return new Set(this.#acks.flatMap((ack, position) => acks.has(ack) ? [position] : []));
  }
}
