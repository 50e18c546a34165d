import { LeaseLostError, ProcessTimeoutError } from "../../errors.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { doneBy } from "../../lib/deadline.ts";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import type { ForeignLog } from "../foreign_log.ts";
import { Child, type ChildWatcher } from "./child.ts";
import type { AnswerReader, ProgramCall, ProgramNote } from "./program_call.ts";
import { SaidLines } from "./said_lines.ts";

/** Bounds of the wait before a process is started again that has answered nothing, in milliseconds. */
const RESTART = { baseMs: 400, maxMs: 10_000 };

/** A process that was killed has this long to be gone, in milliseconds. */
const KILLED_MS = 1000;

/** A place for one process, which is replaced when it ends. */
interface Seat<Answer> {
  child: Child<Answer> | undefined;
  /** Processes in a row that have ended without an answer. */
  failures: number;
  /** Whether the next process has to wait. */
  isResting: boolean;
}

/** The processes of a program, a fixed number, and the calls that wait for one of them. */
export class Programs<Answer> {
  readonly #options: ProgramsOptions<Answer>;
  readonly #said: SaidLines;
  readonly #seats: Seat<Answer>[];
  readonly #waiting: WaitingCall<Answer>[] = [];
  /** Processes that were replaced, until they have ended. */
  readonly #replaced = new Set<Child<Answer>>();
  readonly #closing = new AbortController();
  /** Calls that a process takes at the same time, by what the last one has said. */
  #concurrency = 1;

  constructor(options: ProgramsOptions<Answer>) {
    this.#options = options;
    this.#said = new SaidLines(options.clock, options.log);
    this.#seats = Array.from(
      { length: options.processes },
      () => ({ child: undefined, failures: 0, isResting: false }),
    );
  }

  /** So many calls can be under way at the same time. */
  get slots(): number {
    const slotsOf = ({ child, failures }: Seat<Answer>) =>
      child?.concurrency ?? (failures > 0 ? 1 : this.#concurrency);
    return this.#seats.reduce((sum, seat) => sum + slotsOf(seat), 0);
  }

  /**
   * Gives a line to a process as soon as one has room, and resolves with its answer. What the process says before goes
   * to `noted`; if that throws, it is the end of the call.
   *
   * @throws {Error} if there is no answer; the reason of `signal` if it aborts before.
   */
  call(
    id: string,
    line: Uint8Array,
    { signal, noted }: { signal: AbortSignal; noted(note: ProgramNote): void },
  ): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const call = new WaitingCall<Answer>({ id, line, signal, noted, resolve, reject, programs: this });
      if (!call.isOver) this.add(call);
    });
  }

  /** Queues a call, before all others if it was queued `again`. */
  add(call: WaitingCall<Answer>, { again = false } = {}): void {
    if (again) this.#waiting.unshift(call);
    else this.#waiting.push(call);
    this.#assign();
  }

  /** Nothing waits for the call any more. Returns the error that it ends with. */
  abandon(call: WaitingCall<Answer>, reason: unknown): unknown {
    const index = this.#waiting.indexOf(call);
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      return reason;
    }
    // A forced stop leaves a moment for answers; then all processes are ended.
    if (!(reason instanceof ProcessTimeoutError || reason instanceof LeaseLostError)) return reason;
    const isLate = reason instanceof ProcessTimeoutError;
    const limitMs = this.#options.processTimeoutMs;
    const holder = this.#seats.map(({ child }) => child).find((each) =>
      each?.abandon(call, { isLate, limitMs })
    );
    return isLate && holder?.answers === 0 ? withAdvice(reason) : reason;
  }

  /** Ends all processes, within `limitMs`. An abort of `signal` means at once. */
  async close(limitMs: number, signal: AbortSignal): Promise<void> {
    this.#closing.abort();
    const eofMs = Math.min(10_000, limitMs / 2);
    const termMs = Math.min(5000, limitMs / 4);
    const children = this.#seats.flatMap(({ child }) => child ?? []);
    await Promise.all(children.map((child) => child.close({ eofMs, termMs, signal })));
    // They were killed before: this takes a moment only.
    const gone = Promise.all([...this.#replaced].map((child) => child.gone));
    await doneBy(gone, { clock: this.#options.clock, limitMs: KILLED_MS });
    this.#said.close();
  }

  #assign(): void {
    while (this.#waiting.length > 0 && !this.#closing.signal.aborted) {
      const child = this.#roomiest();
      if (child === undefined) return;
      child.give(this.#waiting.shift()!);
    }
  }

  /** The process that takes the next call: one without work, a new one, or one that has room left. */
  #roomiest(): Child<Answer> | undefined {
    let best: Child<Answer> | undefined;
    for (const { child } of this.#seats) {
      if (child !== undefined && child.room > (best?.room ?? 0)) best = child;
    }
    if (best !== undefined && best.room === best.concurrency) return best;
    for (const seat of this.#seats) {
      if (this.#waiting.length === 0) return undefined;
      if (seat.child === undefined && !seat.isResting && this.#start(seat)) return seat.child;
    }
    return this.#waiting.length === 0 ? undefined : best;
  }

  #start(seat: Seat<Answer>): boolean {
    const watcher: ChildWatcher = {
      hasRoom: () => this.#hasRoom(seat),
      ended: (error, isOrderly) => this.#ended(seat, error, isOrderly),
    };
    try {
      const isOnTrial = seat.failures > 0;
      seat.child = new Child({ ...this.#options, isOnTrial, said: this.#said, watcher });
      return true;
    } catch (error) {
      const { words: [program] } = this.#options;
      const why = error instanceof Error ? error.message : String(error);
      this.#rest(seat);
      // Without a process nothing can be done with the document: it has failed, or all would wait behind it.
      this.#waiting.shift()?.failed(
        new Error(`The program ${program} cannot be started: ${why}`, { cause: error }),
        false,
      );
      return false;
    }
  }

  #hasRoom(seat: Seat<Answer>): void {
    // It may have said only how many calls it takes.
    if (seat.child !== undefined && seat.child.answers > 0) seat.failures = 0;
    this.#concurrency = seat.child?.concurrency ?? this.#concurrency;
    this.#assign();
  }

  #ended(seat: Seat<Answer>, error: Error, isOrderly: boolean): void {
    const child = seat.child!;
    seat.child = undefined;
    this.#replaced.add(child);
    child.gone.then(() => this.#replaced.delete(child));
    if (child.answers === 0) this.#rest(seat);
    if (child.endedUnnoticed && !this.#closing.signal.aborted) {
      const level = isOrderly ? "DEBUG" : "WARNING";
      const { message } = error;
      this.#options.log.write(level, "The program ended between two documents", {
        pid: child.pid,
        error: message,
      });
    }
    queueMicrotask(() => this.#assign());
  }

  /** The next process of a seat has to wait, longer with each that has answered nothing. */
  #rest(seat: Seat<Answer>): void {
    const { clock, processTimeoutMs, random } = this.#options;
    if (this.#closing.signal.aborted) return;
    seat.failures += 1;
    seat.isResting = true;
    const maxMs = Math.min(RESTART.maxMs, processTimeoutMs / 4);
    const waitMs = backoffMs(seat.failures, { baseMs: RESTART.baseMs, maxMs, random });
    const cancel = clock.after(waitMs, () => {
      this.#closing.signal.removeEventListener("abort", cancel);
      seat.isResting = false;
      this.#assign();
    });
    this.#closing.signal.addEventListener("abort", cancel);
  }
}

/** The error of a document that came too late from a program without an answer so far: most often it keeps them back. */
function withAdvice(error: ProcessTimeoutError): ProcessTimeoutError {
  return new ProcessTimeoutError(
    `${error.message}, and the program has written no answer so far: if it answers, make it flush each line, such as ` +
      "with print(..., flush=True) in Python",
    { cause: error },
  );
}

/** What waits for an answer, in the queue or at a process. */
class WaitingCall<Answer> implements ProgramCall<Answer> {
  readonly id: string;
  readonly line: Uint8Array;
  isOver = false;
  #wasRepeated = false;
  readonly #options: WaitingOptions<Answer>;

  constructor(options: WaitingOptions<Answer>) {
    this.id = options.id;
    this.line = options.line;
    this.#options = options;
    if (options.signal.aborted) this.#abort();
    else options.signal.addEventListener("abort", this.#abort);
  }

  answered(answer: Answer): void {
    this.#end();
    this.#options.resolve(answer);
  }

  noted(note: ProgramNote): void {
    this.#options.noted(note);
  }

  /** A process that ended in good order, after answers, before it read the line: another one gets it, once. */
  failed(error: unknown, wasUnread: boolean): void {
    if (wasUnread && !this.#wasRepeated) {
      this.#wasRepeated = true;
      this.#options.programs.add(this, { again: true });
      return;
    }
    this.#end();
    this.#options.reject(error);
  }

  readonly #abort = (): void => {
    const { reason } = this.#options.signal;
    this.#end();
    this.#options.reject(this.#options.programs.abandon(this, reason));
  };

  #end(): void {
    this.isOver = true;
    this.#options.signal.removeEventListener("abort", this.#abort);
  }
}

interface WaitingOptions<Answer> {
  id: string;
  line: Uint8Array;
  signal: AbortSignal;
  programs: Programs<Answer>;
  noted(note: ProgramNote): void;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** What {@linkcode Programs} need. */
export interface ProgramsOptions<Answer> extends TimeAndChance {
  readonly words: readonly [string, ...string[]];
  readonly env: Record<string, string>;
  readonly processes: number;
  readonly processTimeoutMs: number;
  readonly reader: AnswerReader<Answer>;
  readonly log: ForeignLog;
}
