import { errorText } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { doneBy } from "../../lib/deadline.ts";
import { chunksOf } from "./chunks_of.ts";
import { LineSplitter } from "./line_splitter.ts";
import { signalGroup } from "./process_group.ts";
import type { AnswerReader, ProgramCall, ProgramNote } from "./program_call.ts";
import type { SaidLines } from "./said_lines.ts";

/** The longest line of an answer, in bytes: as large as a document may be. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** The longest line on standard error that is kept whole, in bytes. */
const MAX_SAID_BYTES = 64 * 1024;
/** What a process has written before its end is read for this long, in milliseconds: a stranger may hold the pipe. */
const LAST_READ_MS = 500;
/** A process that has closed its standard output has this long to end, in milliseconds. */
const END_MS = 1000;
/** Runs at the same time that one process may ask for, at most. */
const MAX_CONCURRENCY = 10_000;
/** This much of a line that is no answer is shown, in UTF-16 units. */
const MAX_SHOWN = 200;
/** The longest first line that tells how many documents a process takes, in bytes. */
const MAX_GREETING_BYTES = 1000;

/** What an {@linkcode Child} reports to. */
export interface ChildWatcher {
  /** It takes another call. */
  hasRoom(): void;
  /**
   * It has ended, or takes no call any more. The calls that it holds fail afterwards.
   *
   * @param isOrderly whether it ended by itself with status 0
   */
  ended(error: Error, isOrderly: boolean): void;
}

/** One process of a program: it gets lines, and answers them by lines. */
export class Child<Answer> {
  /** Resolves once the process has ended, and what it has written is read. */
  readonly gone: Promise<void>;
  readonly #process: Deno.ChildProcess;
  readonly #options: ChildOptions<Answer>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #held = new Map<string, ProgramCall<Answer>>();
  /** Calls that nothing waits for any more, each with what ends the wait for its answer. */
  readonly #abandoned = new Map<string, () => void>();
  readonly #reading: Promise<unknown>;
  readonly #ended: Promise<Deno.CommandStatus>;
  readonly #stopReading = new AbortController();
  #concurrency = 1;
  #lines = 0;
  #answers = 0;
  #newestId = 0;
  #lastSaid = "";
  /** Set once it takes no call any more. */
  #end: Error | undefined;
  #isClosing = false;
  /** Whether the agent ends it, because it waits for an answer no longer. */
  #isGivenUp = false;

  /** @throws {Error} if the process cannot be started. */
  constructor(options: ChildOptions<Answer>) {
    const { words: [program, ...args], env } = options;
    this.#options = options;
    this.#process = new Deno.Command(program!, {
      args,
      env,
      clearEnv: true,
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#input.closed.catch(() => {});
    const { signal } = this.#stopReading;
    this.#reading = Promise.allSettled([this.#readAnswers(signal), this.#readSaid(signal)]);
    this.#ended = this.#process.status;
    this.gone = this.#watchEnd();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Answers so far. */
  get answers(): number {
    return this.#answers;
  }

  /** Whether it ended by itself, and no document fails by that. */
  get endedUnnoticed(): boolean {
    return this.#held.size === 0 && !this.#isGivenUp;
  }

  /** Calls that it may hold at the same time. */
  get concurrency(): number {
    return this.#options.isOnTrial && this.#answers === 0 ? 1 : this.#concurrency;
  }

  /** Calls that it could take now. */
  get room(): number {
    if (this.#end !== undefined || this.#isClosing) return 0;
    return this.concurrency - this.#held.size - this.#abandoned.size;
  }

  give(call: ProgramCall<Answer>): void {
    this.#held.set(call.id, call);
    this.#newestId = Math.max(this.#newestId, Number(call.id));
    this.#input.write(call.line).catch((error) => {
      void this.#endBy(
        new Error(`The program does not read its standard input: ${errorText(error)}`, { cause: error }),
      );
    });
  }

  /**
   * Waits for the answer to a call no longer. If that is the only call it holds, or `isLate`, it is ended: it cannot be
   * told in another way. Returns whether it held the call.
   */
  abandon(call: ProgramCall<Answer>, { isLate, limitMs }: { isLate: boolean; limitMs: number }): boolean {
    if (!this.#held.delete(call.id)) return false;
    const giveUp = () => {
      this.#isGivenUp = true;
      this.#fault(new Error("The program was ended, as it was too late with another document"));
    };
    if (isLate || this.#held.size === 0) giveUp();
    else this.#abandoned.set(call.id, this.#options.clock.after(limitMs, giveUp, { isBackground: true }));
    return true;
  }

  /** Ends it: its standard input is closed, then its group gets TERM, then KILL. Each is waited for. */
  async close({ eofMs, termMs, signal }: CloseLimits): Promise<void> {
    const { clock } = this.#options;
    this.#isClosing = true;
    this.#input.close().catch(() => {});
    const isOver = async (limitMs: number) =>
      await doneBy(this.#ended, { clock, limitMs: signal.aborted ? 0 : limitMs, signal }) !== undefined;
    if (!await isOver(eofMs)) {
      signalGroup(this.pid, "SIGTERM");
      if (!await isOver(termMs)) signalGroup(this.pid, "SIGKILL");
    }
    await doneBy(Promise.all([this.#ended, this.#reading]), { clock, limitMs: LAST_READ_MS });
    // Processes that it has started, and that have stayed in its group.
    signalGroup(this.pid, "SIGKILL");
  }

  async #readAnswers(signal: AbortSignal): Promise<void> {
    const splitter = new LineSplitter(MAX_LINE_BYTES);
    let shown: Uint8Array = new Uint8Array();
    try {
      for await (const chunk of chunksOf(this.#process.stdout, signal)) {
        for (const line of splitter.lines(chunk)) {
          shown = line;
          this.#take(line);
        }
      }
    } catch (error) {
      return this.#fault(noAnswer(error, shown));
    }
    if (splitter.hasRest) {
      return this.#fault(
        new Error("The program ended its output within a line: write a line feed after each answer"),
      );
    }
    if (!this.#isClosing) await this.#endBy(new Error("The program has closed its standard output"));
  }

  /** A fault, unless the process ends by itself: then its status says more. */
  async #endBy(error: Error): Promise<void> {
    const { clock } = this.#options;
    if (await doneBy(this.#ended, { clock, limitMs: END_MS }) === undefined) this.#fault(error);
  }

  #take(bytes: Uint8Array): void {
    if (this.#end !== undefined) return;
    // Only the first line may be another than an answer.
    if (this.#lines++ === 0 && this.#greets(bytes)) return;
    const said = this.#options.reader.read(bytes);
    if ("note" in said) this.#note(said.id, said.note);
    else this.#answer(said.id, said.answer);
  }

  /** A note that ends its run, or that cannot be taken, concerns its document alone. One that comes after its answer means nothing. */
  #note(id: string, note: ProgramNote): void {
    const call = this.#held.get(id);
    if (call === undefined && !(Number(id) <= this.#newestId)) throw new Error(NOT_HELD);
    try {
      call?.noted(note);
    } catch (error) {
      this.abandon(call!, { isLate: false, limitMs: this.#options.processTimeoutMs });
      call!.failed(error, false);
    }
  }

  /** Whether the first line is one that tells how many documents the process takes at the same time. */
  #greets(bytes: Uint8Array): boolean {
    if (bytes.length > MAX_GREETING_BYTES) return false;
    const wanted = /^\s*\{\s*"concurrency"\s*:\s*(\d+)\s*\}\s*$/.exec(lenient.decode(bytes))?.[1];
    if (wanted === undefined) return false;
    const count = Number(wanted);
    if (count < 1 || count > MAX_CONCURRENCY) {
      throw new Error(`concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`);
    }
    this.#concurrency = count;
    this.#options.watcher.hasRoom();
    return true;
  }

  #answer(id: string, answer: Answer): void {
    const call = this.#held.get(id);
    const cancel = this.#abandoned.get(id);
    if (call === undefined && cancel === undefined) throw new Error(NOT_HELD);
    this.#answers += 1;
    this.#held.delete(id);
    this.#abandoned.delete(id);
    cancel?.();
    call?.answered(answer);
    this.#options.watcher.hasRoom();
  }

  async #readSaid(signal: AbortSignal): Promise<void> {
    const splitter = new LineSplitter(MAX_SAID_BYTES, { cuts: true });
    const say = (bytes: Uint8Array) => {
      const text = lenient.decode(bytes).trimEnd();
      if (text === "") return;
      this.#lastSaid = text;
      this.#options.said.say(text, this.pid);
    };
    for await (const chunk of chunksOf(this.#process.stderr, signal)) {
      for (const line of splitter.lines(chunk)) say(line);
    }
    if (splitter.hasRest) say(splitter.rest());
  }

  async #watchEnd(): Promise<void> {
    const status = await this.#ended;
    // What it has started holds its pipes, perhaps for long.
    signalGroup(this.pid, "SIGKILL");
    await doneBy(this.#reading, { clock: this.#options.clock, limitMs: LAST_READ_MS });
    this.#stopReading.abort();
    this.#input.abort().catch(() => {});
    const how = status.signal === null ? `ended with code ${status.code}` : `was ended by ${status.signal}`;
    const said = this.#lastSaid === ""
      ? ""
      : `. Its last line on standard error: ${this.#lastSaid.slice(0, MAX_SHOWN)}`;
    this.#over(new Error(`The program ${how} before it answered${said}`), status.success);
  }

  #fault(error: Error): void {
    if (this.#end !== undefined) return;
    this.#over(error, false);
    signalGroup(this.pid, "SIGKILL");
  }

  #over(error: Error, isOrderly: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const cancel of this.#abandoned.values()) cancel();
    this.#abandoned.clear();
    const calls = [...this.#held.values()];
    this.#options.watcher.ended(error, isOrderly);
    this.#held.clear();
    for (const call of calls) call.failed(error, isOrderly && this.#answers > 0);
  }
}

const NOT_HELD = "it has an id that the program does not hold, or has answered already";
const lenient = new TextDecoder();

/** The error of a line that is no answer. If the line is too long, it was not kept. */
function noAnswer(error: unknown, line: Uint8Array): Error {
  const said = "The program wrote a line that is no answer";
  if (error instanceof RangeError) return new Error(`${said}: ${error.message}`, { cause: error });
  const text = lenient.decode(line.subarray(0, 4 * MAX_SHOWN)).slice(0, MAX_SHOWN);
  return new Error(
    `${said}, ${JSON.stringify(text)}: ${errorText(error)}; write all but answers to standard error`,
    { cause: error },
  );
}

/** How long a process has for its end, in milliseconds; an abort of `signal` cuts both short. */
export interface CloseLimits {
  readonly eofMs: number;
  readonly termMs: number;
  readonly signal: AbortSignal;
}

/** What a {@linkcode Child} needs. */
export interface ChildOptions<Answer> {
  readonly words: readonly [string, ...string[]];
  readonly env: Record<string, string>;
  readonly clock: Clock;
  readonly processTimeoutMs: number;
  /** The process before it has ended without an answer: this one gets one call at a time until it answers. */
  readonly isOnTrial: boolean;
  readonly reader: AnswerReader<Answer>;
  readonly said: SaidLines;
  readonly watcher: ChildWatcher;
}
