import { backoffMs } from "./backoff.ts";
import { type Clock, sleep } from "./clock.ts";
import { errorText } from "./errors.ts";
import type { Events, Stage } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import type { Claim, ClaimLimit, DocumentStore, LeasedDocument, PauseGate } from "./ports.ts";
import { Wakeup } from "./wakeup.ts";

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
  leftBehind(): number;
  /** Handlers running at once, at the most. */
  concurrency: number;
  /** Told whenever a claim has found nothing while nothing is held. */
  onEmpty(): void;
}

/** Bytes of documents an agent holds at the most; a single larger document is held alone. */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** A claim is made only where all that it may bring fits. */
const MAX_CLAIM_BYTES = MAX_HELD_BYTES / 2;

/** Longest wait after failed claims, in milliseconds: an outage must not be followed by a storm nor by a long sleep. */
const FAILURE_BACKOFF = { baseMs: 500, maxMs: 5000 };

/** Wait after claims that others won, in milliseconds. */
const CONTENTION_BACKOFF = { baseMs: 5, maxMs: 1000 };

/** How long suspects are worked on before other documents get their turn again, in milliseconds. */
const SUSPECTS_TURN_MS = 1000;

/** Handlers that may be left behind for each that may run; beyond that nothing is claimed. */
const LEFT_BEHIND_PER_SLOT = 4;
const LOOK_AGAIN_MS = 1000;

/** Longest a claim may take with every one of its operations running into its timeout, in milliseconds. */
const CLAIM_LIMIT_MS = 60_000;

/** Time beyond its own limits that a stage is given before the loop counts as stuck, in milliseconds. */
const GRACE_MS = 30_000;

/** Claims documents for as long as it is allowed to. */
export class PollLoop {
  readonly #options: PollLoopOptions;
  readonly #wakeup: Wakeup;
  #failures = 0;
  #emptyHanded = 0;

  constructor(options: PollLoopOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** A hint that there may be something to claim. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Claims until `claimSignal` aborts; a claim under way is brought to its end. Never throws. */
  async run(claimSignal: AbortSignal): Promise<void> {
    const { gate } = this.#options;
    this.#enter(gate.isOpen ? "claiming" : "paused");
    while (await gate.waitOpen(claimSignal)) {
      const delayMs = await this.#pollOnce(claimSignal);
      this.#enter(delayMs > 0 ? "idle" : "claiming", delayMs);
      await this.#wakeup.nap(delayMs, claimSignal);
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
    const limit = await this.#waitForRoom(claimSignal);
    if (limit === undefined) return 0;
    this.#enter("claiming");
    try {
      const claim = await this.#claim(() => store.claim(limit));
      const hadSuspects = claim.suspects && await this.#turnToSuspects(claimSignal);
      this.#failures = 0;
      // Meanwhile there may be something else, and more suspects.
      return hadSuspects ? 0 : this.#delayAfter(claim);
    } catch (error) {
      this.#failures += 1;
      const retryInMs = 250 + backoffMs(this.#failures, FAILURE_BACKOFF);
      this.#options.events.emit({ type: "claim_failed", error, retryInMs });
      return retryInMs;
    }
  }

  #delayAfter({ documents, more }: Claim): number {
    this.#emptyHanded = documents.length > 0 ? 0 : this.#emptyHanded + 1;
    if (!more) return this.#delayWhenIdle(documents.length);
    // Others were faster at everything we tried to claim: step aside for a moment, at random.
    return documents.length > 0 ? 0 : 1 + backoffMs(this.#emptyHanded, CONTENTION_BACKOFF);
  }

  #delayWhenIdle(claimed: number): number {
    const { ledger, onEmpty, pollIntervalMs } = this.#options;
    if (claimed === 0 && ledger.counts.documents === 0) onEmpty();
    return pollIntervalMs;
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

  /**
   * Works on suspects for a while, one after the other, each with nothing else in flight: if the process ends, it is
   * known whom to blame. Returns whether there were any.
   */
  async #turnToSuspects(claimSignal: AbortSignal): Promise<boolean> {
    const { clock, gate, leftBehind, store } = this.#options;
    const endMs = clock.monotonicMs() + SUSPECTS_TURN_MS;
    let hadAny = false;
    do {
      await this.#waitUntilEmpty(claimSignal);
      // A handler left behind is company, too: who has one leaves the suspects to others.
      if (!gate.isOpen || leftBehind() > 0) return hadAny;
      this.#enter("claiming");
      const { documents } = await this.#claim(async () => {
        const suspect = await store.claimSuspect();
        const takeovers = suspect ? 1 : 0;
        return {
          documents: suspect ? [suspect] : [],
          takeovers,
          more: false,
          conflicts: 0,
          suspects: false,
          refused: [],
        };
      });
      if (documents.length === 0) return hadAny;
      hadAny = true;
      await this.#waitUntilEmpty(claimSignal);
    } while (clock.monotonicMs() < endMs);
    return hadAny;
  }

  /** Resolves once nothing is held any more; earlier where claims are over. */
  async #waitUntilEmpty(claimSignal: AbortSignal): Promise<void> {
    const { ledger } = this.#options;
    while (ledger.counts.documents > 0 && !claimSignal.aborted) {
      this.#enter("full");
      await ledger.nextRemoval(claimSignal);
    }
  }

  /** Resolves with what may be claimed once there is room for a whole batch; undefined where claims are over or paused. */
  async #waitForRoom(claimSignal: AbortSignal): Promise<ClaimLimit | undefined> {
    const { batchSize, gate, ledger } = this.#options;
    await this.#waitForLeftBehind(claimSignal);
    while (!claimSignal.aborted && gate.isOpen) {
      const { documents, bytes } = ledger.counts;
      if (documents <= batchSize && bytes <= MAX_HELD_BYTES - MAX_CLAIM_BYTES) {
        return { documents: batchSize, bytes: MAX_CLAIM_BYTES };
      }
      this.#enter("full");
      await ledger.nextRemoval(claimSignal);
    }
    return undefined;
  }

  /**
   * With too many handlers left behind the process is on its way to its end, and nothing more is put at risk. If they do
   * not end, the loop is late to leave its stage, the liveness probe sees it, and the pod is restarted.
   */
  async #waitForLeftBehind(claimSignal: AbortSignal): Promise<void> {
    const { clock, concurrency, leftBehind } = this.#options;
    if (leftBehind() < LEFT_BEHIND_PER_SLOT * concurrency) return;
    this.#enter("full");
    while (leftBehind() >= LEFT_BEHIND_PER_SLOT * concurrency && !claimSignal.aborted) {
      await sleep(clock, LOOK_AGAIN_MS, claimSignal);
    }
  }

  #enter(stage: Exclude<Stage, "draining">, delayMs = 0): void {
    const { clock, events, processTimeoutMs } = this.#options;
    const limitMs =
      { claiming: CLAIM_LIMIT_MS, full: processTimeoutMs, idle: delayMs, paused: Infinity }[stage];
    events.emit({ type: "progress", stage, deadlineMs: clock.monotonicMs() + limitMs + GRACE_MS });
  }
}
