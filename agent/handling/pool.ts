import type { Breaker } from "../breaker/breaker.ts";
import { errorText, ForcedStopError, LeaseLostError, StoppingError } from "../errors.ts";
import { type OpenRun, runHandler, type RunningDocument, type RunOptions } from "./handler_run.ts";
import type { Held, Ledger, RemovalWatcher } from "../leases/ledger.ts";
import { safeUntilMs } from "../leases/safe_until.ts";
import {
  type HandlerResult,
  isRetryable,
  outcomeOf,
  type OutcomePolicy,
  outcomeWithoutRun,
} from "../settling/outcome.ts";
import type { DocumentStore, LeasedDocument } from "../ports.ts";
import { ResultCapacity } from "../settling/result_capacity.ts";
import type { RefusedOutcomes } from "../settling/refused_outcome.ts";
import type { Settler } from "../settling/settler.ts";
import type { RateLimiter } from "../pacing/rate_limiter.ts";
import { SharedDeadline } from "./shared_deadline.ts";
import { LeftBehind } from "./left_behind.ts";
import { StartPace } from "./start_pace.ts";
import { StopNotice } from "./stop_notice.ts";

/** Refused marks in a row after which the server is taken to be in trouble, although it accepts claims. */
const MAX_UNMARKED = 5;

/** Runs handlers, a bounded number at a time, and turns the way each ends into an outcome. */
export class Pool implements RemovalWatcher {
  readonly #options: PoolOptions;
  readonly #runOptions: RunOptions;
  readonly #leftBehind = new LeftBehind();
  readonly #stopNotice = new StopNotice();
  readonly #waiting: Held[] = [];
  readonly #room: ResultCapacity;
  /** If there is a `RATE_LIMIT`. */
  readonly #pace: StartPace | undefined;
  /** Documents wait for results to be written. */
  #isHeldUp = false;
  /** Marks of suspects in a row that were refused, for a reason that the documents may not be at fault for. */
  #unmarked = 0;
  #runs = 0;
  #isClosed = false;
  /**
   * How many times the documents that had not started were released. A suspect whose mark is under way has not started
   * either.
   */
  #releases = 0;

  constructor(options: PoolOptions) {
    const { clock, details, events, ledger, limiter, logs, processing, processTimeoutMs, saver, targets } =
      options;
    const timeLimit = new SharedDeadline<OpenRun>(clock, processTimeoutMs);
    this.#options = options;
    const own = { leftBehind: this.#leftBehind, stopNotice: this.#stopNotice, timeLimit };
    this.#runOptions = { clock, details, events, logs, processing, processTimeoutMs, saver, targets, ...own };
    this.#room = new ResultCapacity(ledger);
    ledger.watch(this);
    if (limiter) {
      this.#pace = new StartPace({ clock, details, limiter, pool: this });
      limiter.onChange(() => this.#limitChanged(limiter));
    }
  }

  /** Documents that are in their handlers, longest first, at most `limit`. */
  running(limit: number): RunningDocument[] {
    const found: RunningDocument[] = [];
    for (const { documents } of this.#runOptions.timeLimit.running) {
      found.push(...documents.slice(0, limit - found.length));
      if (found.length === limit) break;
    }
    return found;
  }

  /** Handlers that were given up and still run. */
  get leftBehind(): number {
    return this.#leftBehind.count;
  }

  /** A result is written or dropped: that may make room for the results of other documents. */
  documentLeft(): void {
    if (this.#isHeldUp) this.#fill();
  }

  /** Documents that `RATE_LIMIT` has held back may start now. */
  takeTurn(): void {
    this.#fill();
  }

  /** Takes claimed documents in; their handlers start as slots become free. */
  add(documents: readonly LeasedDocument[]): void {
    const { ledger, refusedOutcomes, settler } = this.#options;
    for (const document of documents) {
      const held = ledger.add(document);
      const outcome = outcomeWithoutRun(document, refusedOutcomes.errorOf(document));
      if (outcome) settler.settle(held, outcome);
      else this.#waiting.push(held);
    }
    this.#options.load?.changed();
    this.#fill();
  }

  /** Releases claimed documents that are not to be processed any more. */
  release(documents: readonly LeasedDocument[]): void {
    const { ledger, settler } = this.#options;
    // All are entered before the first is settled: the last document of a claim sends the write, so that there is one
    // write for all.
    const held = documents.map((document) => ledger.add(document));
    for (const each of held) settler.settle(each, { kind: "release" });
  }

  /** Releases the documents that have not started yet. */
  releaseWaiting(): void {
    this.#releases += 1;
    this.releaseBeyond(0);
  }

  /** Releases the documents that have not started yet, but for so many that come first. */
  releaseBeyond(count: number): void {
    const { ledger, load, settler } = this.#options;
    for (const held of this.#waiting.splice(count)) {
      if (ledger.has(held)) settler.settle(held, { kind: "release" });
    }
    load?.changed();
    if (this.#waiting.length === 0) this.#pace?.nothingWaits();
  }

  /** Tells the handlers that run that the agent drains. */
  announceStop(): void {
    this.#stopNotice.give(new StoppingError("The agent stops: save how far the work is, and end"));
  }

  /** Releases the documents that wait, and aborts the handlers that run. */
  force(): void {
    const reason = new ForcedStopError("The agent is forced to stop");
    this.releaseWaiting();
    for (const held of this.#options.ledger.all()) {
      if (held.state === "running") held.abort.abort(reason);
    }
  }

  /** Starts nothing from now on: the documents that wait are to be released. */
  close(): void {
    this.#isClosed = true;
  }

  /** If the agent may start fewer than before, what would wait for longer than a second is released for other agents. */
  #limitChanged(limiter: RateLimiter): void {
    this.releaseBeyond(limiter.startable);
    this.#pace?.nothingWaits();
    this.#fill();
  }

  #fill(): void {
    const { batchSize, breaker, clock, concurrency, processing } = this.#options;
    this.#isHeldUp = false;
    while (!this.#isClosed && this.#waiting.length > 0) {
      if (this.#runs >= Math.min(concurrency, processing.slots ?? concurrency)) return;
      const most = breaker.wantsTrial || processing.kind === "single" ? 1 : batchSize;
      const count = this.#room.fits(most);
      if (count === 0) {
        this.#isHeldUp = true;
        return;
      }
      const admitted = this.#pace ? this.#pace.admit(Math.min(count, this.#waiting.length)) : count;
      if (admitted === 0) return;
      const nowMs = clock.monotonicMs();
      const run = this.#nextRun(admitted, nowMs);
      if (run.length > 0) this.#start(run, nowMs);
    }
  }

  /** The next `count` documents; fewer if this agent may no longer start some of those that waited. */
  #nextRun(count: number, nowMs: number): Held[] {
    const { ledger, leaseMs, settler } = this.#options;
    const next = this.#waiting.splice(0, count);
    return next.filter((held) => {
      if (!ledger.has(held)) return false;
      if (nowMs < safeUntilMs(held.document, leaseMs)) return true;
      // A lease that may have ended while the document waited protects nothing: another agent may hold the document by
      // now.
      settler.settle(held, { kind: "release" });
      return false;
    });
  }

  #start(run: Held[], nowMs: number): void {
    const { breaker, ledger } = this.#options;
    this.#pace?.started(run);
    for (const held of run) ledger.start(held);
    this.#runs += 1;
    // If it is a trial of the breaker, all that wait are released now.
    const started = breaker.started(nowMs);
    const results = run[0]!.document.suspect ? this.#runAlone(run) : runHandler(run, this.#runOptions, nowMs);
    results.then((all) => {
      this.#runs -= 1;
      const isSpared = breaker.ended(started, run, all);
      run.forEach((held, index) => {
        // The document may have lost its lease, and left the ledger, while its handler was still busy.
        if (ledger.has(held)) this.#settle(held, all[index]!, isSpared);
      });
      this.#options.load?.finished(run.length);
      this.#fill();
    });
  }

  #settle(held: Held, result: HandlerResult, isSpared: boolean): void {
    const { events, ledger, policy, settler } = this.#options;
    const { document: { id, attempt } } = held;
    if (result.ok) {
      const bytes = result.resultBytes ?? 0;
      this.#room.learn(bytes);
      if (bytes > 0) {
        // It runs again, and alone, as it would after a process that ran out of memory.
        if (!this.#room.canHold(bytes)) return settler.settle(held, { kind: "release", hadNoRoom: true });
        ledger.weigh(held, bytes);
      }
    }
    if (isSpared && isRetryable(result)) return settler.settle(held, { kind: "release", wasSpared: true });
    const outcome = outcomeOf(result, attempt, policy);
    if (!result.ok && outcome.kind !== "release") {
      events.emit({ type: "handler_failed", id, attempt, error: result.error });
    }
    settler.settle(held, outcome);
  }

  /** Runs a suspect once its mark is written: without the mark no agent could tell which document ended the process. */
  async #runAlone(run: Held[]): Promise<HandlerResult[]> {
    const notStarted: HandlerResult = {
      ok: false,
      hasStarted: false,
      error: new LeaseLostError("The suspect could not be marked"),
    };
    const releases = this.#releases;
    const { events, store } = this.#options;
    const { id, attempt } = run[0]!.document;
    // Before the mark: while that is written the line gets out, and the handler may block or end the process at once.
    events.emit({ type: "runs_alone", id, attempt });
    try {
      if (await store.markRunningAlone(run[0]!.document) === 0) return [notStarted];
      this.#unmarked = 0;
    } catch (error) {
      if (store.isTransient(error)) return [notStarted];
      if (store.isDoubtful(error) && this.#unmarked++ < MAX_UNMARKED) return [notStarted];
      // If it were released, it would be claimed, refused and released again without end: it counts as a failed
      // attempt.
      const text = `MongoDB refused to note that the document runs alone: ${errorText(error)}`;
      return [{ ok: false, hasStarted: false, error: new Error(text) }];
    }
    // It was aborted meanwhile, and its handler would not see that any more. Or the agent is paused, or drains.
    if (run[0]!.abort.aborted || releases !== this.#releases || this.#isClosed) return [notStarted];
    return await runHandler(run, this.#runOptions);
  }
}

/** Learns what the handlers have to do, and what they do. */
export interface HandlerLoad {
  /** Documents came to the handlers, or were taken from them before these began. */
  changed(): void;
  /** Handlers have ended for so many documents, in any way. */
  finished(documents: number): void;
}

/** What a {@linkcode Pool} needs. */
export interface PoolOptions extends Omit<RunOptions, "leftBehind" | "stopNotice" | "timeLimit"> {
  /** Learns how runs end, and decides whether a failure counts. */
  breaker: Pick<Breaker, "ended" | "started" | "wantsTrial">;
  ledger: Ledger;
  policy: OutcomePolicy;
  /** Gets each document that was handed in, once. */
  settler: Pick<Settler, "settle">;
  store: Pick<DocumentStore, "isDoubtful" | "isTransient" | "markRunningAlone">;
  /** Documents that a batch processor is given at once, at most. */
  batchSize: number;
  /** Handlers running at once, at most. */
  concurrency: number;
  /** If there is a `RATE_LIMIT`. */
  limiter?: RateLimiter | undefined;
  /** How long a lease may be relied on after it was written. */
  leaseMs: number;
  /** Learns how fast the handlers are, with `BATCH_SIZE=auto`. */
  load?: HandlerLoad | undefined;
  /** Documents whose outcome the database refused: their handler does not run again. */
  refusedOutcomes: Pick<RefusedOutcomes, "errorOf">;
}
