import { AutoBatchSize } from "../../agent/claiming/auto_batch_size.ts";

/** How long a claim, and the write of outcomes, take in the simulation, in milliseconds. */
const ROUND_TRIP_MS = 10;
const LOOKS_PER_LEASE = 12;

/**
 * What an agent with `BATCH_SIZE=auto` claims and holds, reckoned millisecond by millisecond and without an agent: minutes of
 * work with fast handlers take no time.
 */
export class SimulatedAgent {
  readonly size: AutoBatchSize;
  readonly clock = { monotonicMs: () => this.#nowMs, after: () => () => {} };
  /** What each claim brought that brought anything. */
  readonly brought: number[] = [];
  /** Documents that no agent has claimed. */
  pending = 0;
  processed = 0;
  released = 0;
  /** How long a handler that starts now takes, in milliseconds. */
  runMs: () => number = () => 0;
  readonly #concurrency: number;
  readonly #leaseMs: number;
  #nowMs = 0;
  #waiting = 0;
  /** When each handler that runs ends. */
  #running: number[] = [];
  /** When outcomes are written, and of how many documents. */
  #settling: [atMs: number, documents: number][] = [];
  #claim: { atMs: number; documents: number } | undefined;

  constructor({ leaseMs = 60_000, concurrency = 16 } = {}) {
    this.#concurrency = concurrency;
    this.#leaseMs = leaseMs;
    this.size = new AutoBatchSize({ clock: this.clock, ledger: this, leaseMs, slots: concurrency });
  }

  /** What it holds, as a ledger tells it. */
  get counts() {
    const none = { bytes: 0, resultBytes: 0, doubted: 0, doubtedBytes: 0, doubtedResultBytes: 0 };
    return { ...none, documents: this.held, waiting: this.#waiting, running: this.running };
  }

  get running(): number {
    return this.#running.length;
  }

  get held(): number {
    return this.#waiting + this.running + this.#settling.reduce((sum, [, documents]) => sum + documents, 0);
  }

  /** Lets time pass; returns the most that was held meanwhile. */
  run(ms: number): number {
    let most = this.held;
    for (const endMs = this.#nowMs + ms; this.#nowMs < endMs; this.#nowMs += 1) {
      this.#settling = this.#settling.filter(([atMs]) => atMs > this.#nowMs);
      this.#takeClaim();
      this.#end();
      this.#start();
      this.#sendClaim();
      if (this.#nowMs % Math.ceil(this.#leaseMs / LOOKS_PER_LEASE) === 0) this.#release();
      most = Math.max(most, this.held);
    }
    return most;
  }

  /** The process stands still meanwhile. */
  freeze(ms: number): void {
    this.#nowMs += ms;
  }

  #takeClaim(): void {
    if (!this.#claim || this.#claim.atMs > this.#nowMs) return;
    const documents = Math.min(this.#claim.documents, this.pending);
    this.#claim = undefined;
    if (documents === 0) return;
    this.pending -= documents;
    this.#waiting += documents;
    this.brought.push(documents);
    this.size.changed();
  }

  #sendClaim(): void {
    const { documents } = this.size;
    if (this.#claim || this.held > documents) return;
    this.size.claimed();
    this.#claim = { atMs: this.#nowMs + ROUND_TRIP_MS, documents };
  }

  #end(): void {
    const left = this.#running.filter((atMs) => atMs > this.#nowMs);
    const ended = this.running - left.length;
    this.#running = left;
    this.#finished(ended);
  }

  #start(): void {
    while (this.#waiting > 0 && this.running < this.#concurrency) {
      this.#waiting -= 1;
      const ms = this.runMs();
      if (ms > 0) this.#running.push(this.#nowMs + ms);
      else this.#finished(1);
    }
  }

  #finished(documents: number): void {
    if (documents === 0) return;
    this.processed += documents;
    this.size.finished(documents);
    const last = this.#settling.at(-1);
    const atMs = this.#nowMs + ROUND_TRIP_MS;
    if (last?.[0] === atMs) last[1] += documents;
    else this.#settling.push([atMs, documents]);
  }

  #release(): void {
    const surplus = Math.max(0, this.#waiting - this.size.mayWait);
    this.#waiting -= surplus;
    this.pending += surplus;
    this.released += surplus;
  }
}
