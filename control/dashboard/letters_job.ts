import { systemClock } from "../../agent/lib/clock.ts";
import { diedAtMs } from "../../agent/store/dead_letters/letter_groups.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import { errorText } from "../../agent/errors.ts";
import { secrets } from "../../agent/text/redact.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import { chunks } from "../../agent/lib/chunks.ts";
import { idOfKey } from "../../agent/store/documents/document_key.ts";
import { Brake } from "../changes/brake.ts";
import { LETTERS_AT_ONCE, type LettersAct, LettersChange } from "../changes/letters_change.ts";
import type { Job } from "./api.ts";
import type { Actor } from "./asked.ts";
import { badRequest, conflict } from "./refusal.ts";

/** A job that no viewer confirms is stopped after so long, in milliseconds. */
const CONFIRM_MS = 600_000;
/** Refusals that are kept, at most: an index or a validator may refuse all documents. */
const MAX_REFUSALS = 20;
/** This much of one is kept, in UTF-16 units: it has an `_id`, and may have a field. */
const MAX_REFUSAL = 1000;

/** A redrive or purge of a viewer: it counts, waits until the viewer confirms the count, then changes those and no more. */
export class LettersJob {
  readonly #options: LettersJobOptions;
  readonly #stop = new AbortController();
  readonly #change: LettersChange;
  readonly #ids: readonly unknown[] | undefined;
  readonly #createdAt = new Date();
  readonly #id = crypto.randomUUID();
  readonly #refusals: string[] = [];
  #cancelExpiry: () => void = () => {};
  #state: Job["state"] = "counting";
  #count = 0;
  /** When the last of the letters that were counted has died, in milliseconds. */
  #lastMs = -Infinity;
  #refused = 0;
  #error: string | null = null;
  #endedAt: Date | undefined;
  #work: Promise<void>;

  /** Begins to count. @throws {Refusal} If a key names no document. */
  constructor(options: LettersJobOptions) {
    this.#options = options;
    this.#ids = options.keys?.map(idIn);
    const { act, letters, rate } = options;
    this.#change = new LettersChange(letters, {
      act,
      brake: new Brake({ atOnce: LETTERS_AT_ONCE, perSecond: rate, signal: this.#stop.signal }),
      onRefused: (what, why) => this.#noteRefusal(what, why),
      onStep: () => {},
    });
    this.#work = this.#guarded(() => this.#countAll());
  }

  /** The job as viewers see it. */
  get shown(): Job {
    const { act, actor, rate, what } = this.#options;
    return {
      id: this.#id,
      action: act,
      what,
      ...actor,
      rate: rate ?? null,
      state: this.#state,
      count: this.#count,
      done: this.#change.count,
      passed_over: this.#change.passedOver,
      refused: this.#refused,
      refusals: this.#refusals,
      error: this.#error,
      created_at: this.#createdAt.toISOString(),
      ended_at: this.#endedAt?.toISOString() ?? null,
    };
  }

  get isOver(): boolean {
    return this.#endedAt !== undefined;
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** It counts, or waits to be confirmed, and was not told to end. */
  get isUnconfirmed(): boolean {
    return !this.isOver && !this.isRunning && !this.#stop.signal.aborted;
  }

  /** Ends it after what is under way, for a reason that viewers are told. */
  giveUp(why: string): void {
    this.#error = why;
    void this.stop();
  }

  /**
   * Changes the letters, if as many were counted as the viewer saw.
   *
   * @throws {Refusal} If it is another number, or the job does not wait for this.
   */
  confirm(count: number): void {
    if (this.#state !== "to_confirm") throw conflict(`The job is ${this.#state}: it waits for nothing`);
    if (count !== this.#count) {
      throw conflict(`${this.#count} letters were counted, and not ${count}: look again`);
    }
    this.#cancelExpiry();
    this.#state = "running";
    this.#work = this.#guarded(() => this.#run());
  }

  /** Ends the job after what is under way; resolves once it has ended. */
  async stop(): Promise<void> {
    this.#cancelExpiry();
    this.#stop.abort();
    if (this.#state === "to_confirm") this.#end("stopped");
    await this.#work;
  }

  async #countAll(): Promise<void> {
    for await (const letter of this.#selected()) {
      this.#count += 1;
      this.#lastMs = Math.max(this.#lastMs, diedAtMs(letter));
      if (this.#stop.signal.aborted) break;
    }
    if (this.#stop.signal.aborted) return this.#end("stopped");
    this.#state = "to_confirm";
    this.#cancelExpiry = systemClock.after(CONFIRM_MS, () => this.#end("stopped"), { isBackground: true });
  }

  async #run(): Promise<void> {
    await this.#options.onRun(this.shown);
    await this.#change.make(this.#upTo(this.#count));
    this.#end(this.#stop.signal.aborted ? "stopped" : "done");
  }

  async *#upTo(most: number): AsyncGenerator<DeadLetter> {
    let left = most;
    for await (const letter of this.#selected()) {
      // It came after the count, and may have replaced one that was counted: no viewer has seen it.
      if (diedAtMs(letter) > this.#lastMs) continue;
      if (left-- <= 0) return;
      yield letter;
    }
  }

  /** The letters that are meant, as they are now. */
  async *#selected(): AsyncGenerator<DeadLetter> {
    const { isWanted = () => true, letters } = this.#options;
    if (this.#ids !== undefined) {
      for await (const some of chunks(this.#ids, LETTERS_AT_ONCE)) {
        yield* await letters.standing(await letters.under(some));
      }
      return;
    }
    for await (const letter of letters.survey({})) {
      if (isWanted(letter)) yield letter;
    }
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    const wasRunning = this.#state === "running";
    try {
      await work();
    } catch (error) {
      this.#error = this.#options.explain(error);
      this.#end("failed");
    }
    if (wasRunning) await this.#options.onEnd(this.shown);
  }

  #end(state: Job["state"]): void {
    this.#state = state;
    this.#endedAt = new Date();
  }

  #noteRefusal(what: string, why: unknown): void {
    this.#refused += 1;
    if (this.#refusals.length >= MAX_REFUSALS) return;
    this.#refusals.push(secrets.text(inOneLine(`${what}: ${errorText(why)}`), MAX_REFUSAL));
  }
}

function idIn(key: string): unknown {
  try {
    return idOfKey(key);
  } catch {
    throw badRequest("keys must hold what the list of letters has as their key");
  }
}

/** What a {@linkcode LettersJob} needs. */
export interface LettersJobOptions {
  readonly act: LettersAct;
  readonly actor: Actor;
  readonly letters: LettersForCommands;
  /** The letters under these keys, or those that are wanted; without both, all. */
  readonly keys?: readonly string[];
  readonly isWanted?: ((letter: DeadLetter) => boolean) | undefined;
  /** What is meant, for people. */
  readonly what: string;
  /** Letters a second, at most. */
  readonly rate: number | undefined;
  explain(error: unknown): string;
  /** The viewer has confirmed it. Never throws. */
  onRun(job: Job): Promise<void>;
  /** It ran and has ended. Never throws. */
  onEnd(job: Job): Promise<void>;
}
