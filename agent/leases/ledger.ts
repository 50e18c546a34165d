import { LazyAbort } from "./lazy_abort.ts";
import type { Clock } from "../lib/clock.ts";
import { doneBy } from "../lib/deadline.ts";
import type { LeasedDocument } from "../ports.ts";

/** Where a held document is: waiting for a slot, in its handler, or waiting for the write that ends its lease. */
export type HeldState = "waiting" | "running" | "settling";

/** A document this agent holds, from its claim to the end of the write that settles it. */
export interface Held {
  readonly document: LeasedDocument;
  readonly state: HeldState;
  /** Size of the fields that are to be written with its ack. */
  readonly resultBytes: number;
  /**
   * A write that ends the lease is under way: a renewal must leave the document alone until that write has an answer.
   */
  readonly isWriting: boolean;
  /** Aborted when the lease is lost, `PROCESS_TIMEOUT` passes, or the agent is forced to stop. */
  readonly abort: LazyAbort;
}

/** A {@linkcode Held} as its {@linkcode Ledger} sees it: only the ledger changes it. */
type Entry = { -readonly [Key in keyof Held]: Held[Key] };

/** Called when a document leaves a {@linkcode Ledger}, or makes room for others in it. */
export interface RemovalWatcher {
  /** A document has left: its outcome is written, its lease is lost, or it is given up. Or its outcome is in doubt. */
  documentLeft(): void;
}

/** Counts of a {@linkcode Ledger}. */
export interface LedgerCounts {
  documents: number;
  /** Of the documents, and of the results that wait to be written. */
  bytes: number;
  /** Of these results alone. */
  resultBytes: number;
  waiting: number;
  running: number;
  /** Documents whose outcome is refused for a reason that they may not be at fault for. */
  doubted: number;
  /** Bytes of these documents. */
  doubtedBytes: number;
  /** Bytes of the results of these. */
  doubtedResultBytes: number;
}

/**
 * The one list of everything this agent holds a lease on.
 *
 * It bounds what is claimed, tells the lease keeper what to renew, and knows when a drain is over.
 */
export class Ledger {
  readonly #held = new Set<Held>();
  readonly #unfinishedByToken = new Map<string, number>();
  readonly #watchers: RemovalWatcher[] = [];
  readonly #doubted = new Set<Held>();
  #bytes = 0;
  #doubtedBytes = 0;
  #doubtedResultBytes = 0;
  #resultBytes = 0;
  #waiting = 0;
  #running = 0;
  /** Resolved once a document has left or is in doubt; undefined if no part waits for that. */
  #changed: PromiseWithResolvers<void> | undefined;

  get counts(): LedgerCounts {
    return {
      documents: this.#held.size,
      bytes: this.#bytes + this.#resultBytes,
      resultBytes: this.#resultBytes,
      waiting: this.#waiting,
      running: this.#running,
      doubted: this.#doubted.size,
      doubtedBytes: this.#doubtedBytes,
      doubtedResultBytes: this.#doubtedResultBytes,
    };
  }

  /** Whether nothing is held. */
  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  /** Everything held, oldest claim first. A copy: entries may leave while the caller awaits. */
  all(): Held[] {
    return [...this.#held];
  }

  has(held: Held): boolean {
    return this.#held.has(held);
  }

  /** Enters a claimed document. */
  add(document: LeasedDocument): Held {
    const held: Held = {
      document,
      state: "waiting",
      resultBytes: 0,
      isWriting: false,
      abort: new LazyAbort(),
    };
    this.#held.add(held);
    this.#bytes += document.sizeBytes;
    this.#waiting += 1;
    this.#unfinishedByToken.set(document.token, this.unfinishedOf(document.token) + 1);
    return held;
  }

  /** The document's handler starts. */
  start(held: Held): void {
    this.#count(held, "running");
  }

  /** The document's handler has returned fields of this size, which are held until they are written. */
  weigh(held: Entry, resultBytes: number): void {
    if (!this.#held.has(held)) return;
    const moreBytes = resultBytes - held.resultBytes;
    this.#resultBytes += moreBytes;
    if (this.#doubted.has(held)) this.#doubtedResultBytes += moreBytes;
    held.resultBytes = resultBytes;
  }

  /** The document's outcome is decided; the write of it is still to come. */
  settling(held: Held): void {
    if (held.state === "settling") return;
    this.#count(held, "settling");
    const left = this.unfinishedOf(held.document.token) - 1;
    if (left > 0) this.#unfinishedByToken.set(held.document.token, left);
    else this.#unfinishedByToken.delete(held.document.token);
  }

  /** A write that ends the document's lease is sent. */
  startWrite(held: Entry): void {
    held.isWriting = true;
  }

  /** The write has an answer, or its answer is given up. */
  endWrite(held: Entry): void {
    held.isWriting = false;
  }

  /**
   * The document's outcome is refused, and it is not known whether the document is at fault: other documents may have
   * to show it.
   */
  doubt(held: Held): void {
    if (!this.#held.has(held) || this.#doubted.has(held)) return;
    this.#doubted.add(held);
    this.#doubtedBytes += held.document.sizeBytes;
    this.#doubtedResultBytes += held.resultBytes;
    // Its result makes room for those of other documents.
    for (const watcher of this.#watchers) watcher.documentLeft();
    this.#tell();
  }

  /** It is known now whether the document is at fault. */
  undoubt(held: Held): void {
    if (!this.#doubted.delete(held)) return;
    this.#doubtedBytes -= held.document.sizeBytes;
    this.#doubtedResultBytes -= held.resultBytes;
  }

  /** The lease has ended, in any way. */
  remove(held: Held): void {
    if (!this.#held.has(held)) return;
    this.settling(held);
    this.#held.delete(held);
    this.undoubt(held);
    this.#bytes -= held.document.sizeBytes;
    this.#resultBytes -= held.resultBytes;
    for (const watcher of this.#watchers) watcher.documentLeft();
    this.#tell();
  }

  #tell(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }

  /** Calls `watcher` whenever a document has left or is in doubt. */
  watch(watcher: RemovalWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Documents of one claim whose handler has not ended yet. */
  unfinishedOf(token: string): number {
    return this.#unfinishedByToken.get(token) ?? 0;
  }

  /** Resolves once a document has left or is in doubt, when `signal` aborts, or after the time that may be set. */
  nextRemoval(signal: AbortSignal, limit?: { clock: Clock; limitMs: number }): Promise<void> {
    this.#changed ??= Promise.withResolvers();
    return doneBy(this.#changed.promise, limit ? { ...limit, signal } : { signal });
  }

  /** Resolves once nothing is held any more, or when `signal` aborts. */
  async empty(signal: AbortSignal): Promise<void> {
    while (!this.isEmpty && !signal.aborted) await this.nextRemoval(signal);
  }

  #count(held: Entry, to: HeldState): void {
    if (held.state === "waiting") this.#waiting -= 1;
    if (held.state === "running") this.#running -= 1;
    if (to === "running") this.#running += 1;
    held.state = to;
  }
}
