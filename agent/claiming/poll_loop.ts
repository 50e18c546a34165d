import { backoffMs } from "../lib/backoff.ts";
import { ClaimCapacity } from "./capacity.ts";
import type { Clock } from "../lib/clock.ts";
import { errorText } from "../errors.ts";
import type { Events, Stage } from "../events.ts";
import type { Ledger } from "../leases/ledger.ts";
import type { Claim, DocumentStore, LeasedDocument, PauseGate } from "../ports.ts";
import { SuspectIsolation } from "./suspect_isolation.ts";
import { InterruptibleSleep } from "../lib/interruptible_sleep.ts";

/** What a {@linkcode PollLoop} needs. */
export interface PollLoopOptions {
  clock: Clock;
  events: Events;
  gate: PauseGate;
  ledger: Ledger;
  store: DocumentStore;
  batchSize: number;
  pollIntervalMs: number;
  processTimeoutMs: number;
  /** Takes claimed documents to be processed. */
  process(documents: readonly LeasedDocument[]): void;
  /** Takes claimed documents that are not to be processed any more. */
  release(documents: readonly LeasedDocument[]): void;
  /** Handlers that were given up and go on all the same. */
  stuckHandlers(): number;
  /** Handlers running at once, at the most. */
  concurrency: number;
  /** Told whenever a claim has found nothing while nothing is held; the loop waits for it. */
  onEmpty(): void | Promise<void>;
  /** Told when claims go on failing for a reason that no wait mends. */
  onHopeless(): void;
}

/** Longest wait after failed claims, in milliseconds: an outage must not be followed by a storm nor by a long sleep. */
const FAILURE_BACKOFF = { baseMs: 500, maxMs: 5000 };

/** Claims that fail in a row for a reason that no wait mends, until the loop says so. */
const HOPELESS_FAILURES = 5;

/** Wait after claims that others won, in milliseconds. */
const CONTENTION_BACKOFF = { baseMs: 5, maxMs: 1000 };

/** Longest a claim may take with every one of its operations running into its timeout, in milliseconds. */
const CLAIM_LIMIT_MS = 60_000;

/** Time beyond its own limits that a stage is given before the loop counts as stuck, in milliseconds. */
const GRACE_MS = 30_000;

const NOTHING: Claim = {
  documents: [],
  hasMore: false,
  takeovers: 0,
  conflicts: 0,
  hasSuspects: false,
  refused: [],
};

/** Claims documents for as long as it is allowed to. */
export class PollLoop {
  readonly #options: PollLoopOptions;
  readonly #wakeup: InterruptibleSleep;
  readonly #room: ClaimCapacity;
  readonly #suspects: SuspectIsolation;
  #failures = 0;
  #hopeless = 0;
  #emptyHanded = 0;
  #isHeldUp = false;

  constructor(options: PollLoopOptions) {
    this.#options = options;
    this.#wakeup = new InterruptibleSleep(options.clock);
    const enter = (stage: "claiming" | "full") => this.#enter(stage);
    this.#room = new ClaimCapacity({ ...options, enter });
    this.#suspects = new SuspectIsolation({ ...options, enter, claim: (send) => this.#claimSuspect(send) });
  }

  /** A hint that there may be something to claim. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** A document was settled: another one may have waited for it. */
  settled(): void {
    if (this.#isHeldUp) this.wake();
  }

  /** Claims until `claimSignal` aborts; a claim under way is brought to its end. Never throws. */
  async run(claimSignal: AbortSignal): Promise<void> {
    const { gate } = this.#options;
    this.#enter(gate.isOpen ? "claiming" : "paused");
    while (await gate.waitOpen(claimSignal)) {
      const delayMs = await this.#pollOnce(claimSignal);
      this.#enter(delayMs > 0 ? "idle" : "claiming", delayMs);
      await this.#wakeup.sleep(delayMs, claimSignal);
      if (!gate.isOpen) this.#enter("paused");
    }
    await this.#recoverLast();
  }

  /** The last claim may have failed without an answer: what it took is handed back rather than left to expire. */
  async #recoverLast(): Promise<void> {
    const { release, store } = this.#options;
    try {
      release(await store.recover());
    } catch {
      // The database is out of reach: the leases run out by themselves.
    }
  }

  /** One claim. Returns how long to wait before the next, in milliseconds. Never throws. */
  async #pollOnce(claimSignal: AbortSignal): Promise<number> {
    const { store } = this.#options;
    const limit = await this.#room.wait(claimSignal);
    if (limit === undefined) return 0;
    this.#enter("claiming");
    try {
      const claim = await this.#claim(() => store.claim(limit));
      const hadSuspects = claim.hasSuspects && await this.#suspects.take(claimSignal);
      // Meanwhile there may be something else, and more suspects.
      const delayMs = hadSuspects ? 0 : await this.#delayAfter(claim);
      this.#failures = 0;
      this.#hopeless = 0;
      return delayMs;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): number {
    const { events, onHopeless, store } = this.#options;
    const isHopeless = !store.isTransient(error) && !store.isDoubtful(error);
    const isLasting = isHopeless || store.isForbidden(error);
    this.#failures += 1;
    this.#hopeless = isHopeless ? this.#hopeless + 1 : 0;
    const retryInMs = 250 + backoffMs(this.#failures, FAILURE_BACKOFF);
    events.emit({ type: "claim_failed", error, retryInMs, isLasting });
    if (this.#hopeless >= HOPELESS_FAILURES) onHopeless();
    return retryInMs;
  }

  async #delayAfter({ documents, hasMore, hasSuspects, heldUp }: Claim): Promise<number> {
    const { events, ledger, onEmpty, pollIntervalMs } = this.#options;
    const hasDocuments = documents.length > 0;
    this.#emptyHanded = hasDocuments ? 0 : this.#emptyHanded + 1;
    this.#isHeldUp = heldUp !== undefined;
    if (heldUp) events.emit({ type: "claims_held_up", reason: heldUp.error });
    // Others were faster at everything we tried to claim, or a handler that was left behind keeps the suspects waiting:
    // step aside for a moment, at random.
    if (hasMore || hasSuspects) {
      return hasDocuments ? 0 : 1 + backoffMs(this.#emptyHanded, CONTENTION_BACKOFF);
    }
    await this.#lookForLeftAlone();
    if (heldUp) return Math.min(pollIntervalMs, 1 + heldUp.retryInMs);
    if (!hasDocuments && ledger.counts.documents === 0) await onEmpty();
    return pollIntervalMs;
  }

  async #lookForLeftAlone(): Promise<void> {
    const { events, store } = this.#options;
    try {
      const groups = await store.leftAlone(false);
      if (groups) events.emit({ type: "left_alone", groups });
    } catch {
      // Claims go on whatever it says; the next look says it again.
    }
  }

  async #claim(send: () => Promise<Claim>): Promise<Claim> {
    const { clock, events, gate, process, release } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const claim = await send();
    const { documents, takeovers, conflicts } = claim;
    const elapsedMs = clock.monotonicMs() - startedAtMs;
    events.emit({ type: "claimed", documents: documents.length, takeovers, conflicts, elapsedMs });
    for (const { id, error, isDeadLetter } of claim.refused) {
      if (isDeadLetter) events.emit({ type: "dead_lettered", id, attempt: 0, error: errorText(error) });
      else events.emit({ type: "claim_refused", id, error });
    }
    // Paused or draining since the claim was sent: nothing new starts.
    if (gate.isOpen) process(documents);
    else release(documents);
    return claim;
  }

  async #claimSuspect(send: () => Promise<LeasedDocument | undefined>): Promise<number> {
    const { documents } = await this.#claim(async () => {
      const suspect = await send();
      const documents = suspect ? [suspect] : [];
      return { ...NOTHING, documents, takeovers: documents.length };
    });
    return documents.length;
  }

  #enter(stage: Exclude<Stage, "draining">, delayMs = 0): void {
    const { clock, events, processTimeoutMs } = this.#options;
    const limitMs =
      { claiming: CLAIM_LIMIT_MS, full: processTimeoutMs, idle: delayMs, paused: Infinity }[stage];
    events.emit({ type: "progress", stage, deadlineMs: clock.monotonicMs() + limitMs + GRACE_MS });
  }
}
