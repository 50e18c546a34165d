import { errorText, ForcedStopError, LeaseLostError } from "../errors.ts";
import { runHandler, type RunOptions } from "./handler_run.ts";
import type { Held, Ledger } from "../leases/ledger.ts";
import { safeUntilMs } from "../leases/lease.ts";
import { type HandlerResult, type Outcome, outcomeOf, type OutcomePolicy } from "../settling/outcome.ts";
import type { LeasedDocument } from "../ports.ts";
import { secrets } from "../text/redact.ts";
import { ResultCapacity } from "../settling/result_capacity.ts";
import type { RefusedOutcomes } from "../settling/refused_outcome.ts";
import { SharedDeadline } from "./shared_deadline.ts";

/** What is told of a verdict that an earlier holder wrote, and that only has to be finished. */
const DECIDED_BEFORE = "an earlier holder decided so; its reason stands in the dead letter";

/** Refusals of marks in a row that are taken for the server's trouble, although claims are accepted. */
const MAX_UNMARKED = 5;

/** What a {@linkcode Pool} needs. */
export interface PoolOptions extends OutcomePolicy, Omit<RunOptions, "timeLimit"> {
  ledger: Ledger;
  /** Documents that a batch processor is given at once, at the most. */
  batchSize: number;
  /** Handlers running at once, at the most. */
  concurrency: number;
  /** How long a lease may be relied on after it was written. */
  leaseMs: number;
  /** Documents whose outcome the database refused: their handler does not run again. */
  refusedOutcomes: Pick<RefusedOutcomes, "errorOf">;
  /** Notes on a suspect that it starts alone; 0 where its lease is over. */
  markRunningAlone(document: LeasedDocument): Promise<number>;
  /** Whether a failure of that may pass. */
  isTransient(error: unknown): boolean;
  /** Whether it need not be the document's. */
  isDoubtful(error: unknown): boolean;
  /** Told once for each document that was handed in. */
  settle(held: Held, outcome: Outcome): void;
}

/** Runs handlers, a bounded number at a time, and turns the way each ends into an outcome. */
export class Pool {
  readonly #options: PoolOptions & RunOptions;
  readonly #waiting: Held[] = [];
  readonly #room: ResultCapacity;
  /** Documents wait for results to be written. */
  #isHeldUp = false;
  /** Marks of suspects in a row that were refused for a reason that need not be theirs. */
  #unmarked = 0;
  #runs = 0;
  #leftBehind = 0;
  #isClosed = false;
  /** How many times what had not started was handed back: a suspect whose mark is under way has not started either. */
  #handedBack = 0;

  constructor(options: PoolOptions) {
    this.#options = {
      ...options,
      timeLimit: new SharedDeadline(options.clock, options.processTimeoutMs),
      onStuckHandlers: (change) => this.#leftBehind += change,
    };
    this.#room = new ResultCapacity(options.ledger);
    options.ledger.onRemoval(() => {
      if (this.#isHeldUp) this.#fill();
    });
  }

  /** Handlers that were given up and go on all the same: they hold memory, and may yet end the process. */
  get stuckHandlers(): number {
    return this.#leftBehind;
  }

  /** Takes claimed documents in; their handlers start as slots become free. */
  add(documents: readonly LeasedDocument[]): void {
    const { ledger, refusedOutcomes, settle } = this.#options;
    for (const document of documents) {
      const held = ledger.add(document);
      // Its fate is decided already: that is to be finished, not to be run again.
      const { deadLetterReason, verdict } = document;
      const refused = refusedOutcomes.errorOf(document);
      if (deadLetterReason || verdict || refused) {
        settle(held, {
          kind: "dead_letter",
          error: refused ?? secrets.text(deadLetterReason ?? DECIDED_BEFORE),
        });
      } else this.#waiting.push(held);
    }
    this.#fill();
  }

  /** Hands back what has not started yet. */
  releaseWaiting(): void {
    this.#handedBack += 1;
    for (const held of this.#waiting.splice(0)) {
      if (this.#options.ledger.has(held)) this.#options.settle(held, { kind: "release" });
    }
  }

  /** Hands back what waits, and asks the handlers that run to give up. */
  force(): void {
    const reason = new ForcedStopError("The agent is forced to stop");
    this.releaseWaiting();
    for (const held of this.#options.ledger.all()) {
      if (held.state === "running") held.abort.abort(reason);
    }
  }

  /** Starts nothing from now on: what waits is to be handed back. */
  close(): void {
    this.#isClosed = true;
  }

  #fill(): void {
    const { batchSize, concurrency, processing } = this.#options;
    this.#isHeldUp = false;
    while (!this.#isClosed && this.#waiting.length > 0 && this.#runs < concurrency) {
      const count = this.#room.fits(processing.kind === "batch" ? batchSize : 1);
      if (count === 0) {
        this.#isHeldUp = true;
        return;
      }
      const run = this.#nextRun(count);
      if (run.length > 0) this.#start(run);
    }
  }

  /** The next `count` documents; fewer when what waited is no longer ours to start. */
  #nextRun(count: number): Held[] {
    const { clock, ledger, leaseMs, settle } = this.#options;
    const next = this.#waiting.splice(0, count);
    return next.filter((held) => {
      if (!ledger.has(held)) return false;
      if (clock.monotonicMs() < safeUntilMs(held.document, leaseMs)) return true;
      // A lease that may have ended while the document waited protects nothing: somebody else may have it by now.
      settle(held, { kind: "release" });
      return false;
    });
  }

  #start(run: Held[]): void {
    const { ledger } = this.#options;
    for (const held of run) ledger.start(held);
    this.#runs += 1;
    const results = run[0]!.document.suspect ? this.#runAlone(run) : runHandler(run, this.#options);
    results.then((all) => {
      this.#runs -= 1;
      run.forEach((held, index) => {
        // The lease may have been lost, and the document let go of, while its handler was still busy.
        if (ledger.has(held)) this.#settle(held, all[index]!);
      });
      this.#fill();
    });
  }

  #settle(held: Held, result: HandlerResult): void {
    const { events, ledger, settle } = this.#options;
    const { document: { id, attempt } } = held;
    if (result.ok) {
      const bytes = result.setBytes ?? 0;
      this.#room.learn(bytes);
      if (bytes > 0) {
        // It runs again, as it would if the process ended for want of memory, and alone.
        if (!this.#room.canHold(bytes)) return settle(held, { kind: "release", hadNoRoom: true });
        ledger.weigh(held, bytes);
      }
    }
    const outcome = outcomeOf(result, attempt, this.#options);
    if (!result.ok && outcome.kind !== "release") {
      events.emit({ type: "handler_failed", id, attempt, error: result.error });
    }
    settle(held, outcome);
  }

  /** Runs a suspect, once its mark stands: without the mark nobody would know whom to blame if the process ends now. */
  async #runAlone(run: Held[]): Promise<HandlerResult[]> {
    const notStarted: HandlerResult = {
      ok: false,
      hasStarted: false,
      error: new LeaseLostError("The suspect could not be marked"),
    };
    const handedBack = this.#handedBack;
    try {
      if (await this.#options.markRunningAlone(run[0]!.document) === 0) return [notStarted];
      this.#unmarked = 0;
    } catch (error) {
      if (this.#options.isTransient(error)) return [notStarted];
      if (this.#options.isDoubtful(error) && this.#unmarked++ < MAX_UNMARKED) return [notStarted];
      // Handed back, it would be claimed, refused and handed back for ever: it counts as a failed attempt.
      const text = `MongoDB refused to note that the document runs alone: ${errorText(error)}`;
      return [{ ok: false, hasStarted: false, error: new Error(text) }];
    }
    // Told to give up meanwhile: its handler would not hear of it any more. Or paused, or draining.
    if (run[0]!.abort.aborted || handedBack !== this.#handedBack || this.#isClosed) return [notStarted];
    return await runHandler(run, this.#options);
  }
}
