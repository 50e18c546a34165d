import { chunks } from "../../agent/lib/chunks.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import { isForbidden } from "../../agent/store/mongo_errors.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { Interruption } from "../interruption.ts";
import { Progress } from "./command_progress.ts";
import { letterLine } from "./letter_line.ts";
import { Pace } from "./pace.ts";
import { Refusals } from "./refusals.ts";

/** Letters that are changed together. */
const AT_ONCE = 200;

/** One redrive or purge: it changes the letters that it is given, keeps the pace, counts, and reports. */
export class LettersChange {
  readonly #letters: LettersForCommands;
  readonly #options: LettersChangeOptions;
  /** A dry run changes nothing: a signal ends it, even while it waits for the reader of its lines. */
  readonly #interruption: Interruption | undefined;
  readonly #pace: Pace;
  readonly #progress = new Progress(remarks);
  readonly #refused = new Refusals();
  #count = 0;
  #passed = 0;
  /** A write has failed, and may have been made in part. */
  #isUnsure = false;

  constructor(letters: LettersForCommands, options: LettersChangeOptions) {
    this.#letters = letters;
    this.#options = options;
    this.#interruption = options.isDry ? undefined : new Interruption();
    this.#pace = new Pace({
      clock: systemClock,
      atOnce: AT_ONCE,
      perSecond: options.isDry ? undefined : options.perSecond,
      signal: this.#interruption?.aborted,
    });
  }

  /** Changes letters; returns the exit status. Throws what the driver throws. */
  async make(letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>): Promise<number> {
    const { act, isDry, total } = this.#options;
    const of = total === undefined ? "" : ` of ${total}`;
    const interruption = this.#interruption;
    try {
      for await (const some of chunks(letters, this.#pace.step)) {
        if (interruption?.signal) break;
        await this.#pace.next(some.length);
        if (interruption?.signal) break;
        if (isDry) await this.#show(some);
        else await this.#change(some);
        if (interruption?.signal) break;
        if (!isDry) this.#progress.update(`${this.#count}${of} ${DONE[act]} so far`);
      }
    } catch (error) {
      this.#report(`${of} ${this.#done}`, " before it failed");
      throw error;
    }
    await answers.finish();
    const { signal, status } = interruption ?? {};
    if (signal) this.#report(`${of} ${this.#done}`, ` before ${signal}: there may be more`);
    else this.#report(` ${this.#done}`);
    return status || (this.#refused.count > 0 ? 1 : 0);
  }

  get #done(): string {
    const { act, isDry } = this.#options;
    return `${isDry ? "would be " : ""}${DONE[act]}`;
  }

  async #show(letters: readonly DeadLetter[]): Promise<void> {
    for (const letter of letters) {
      await answers.print(letterLine(letter));
      this.#count += 1;
    }
  }

  async #change(letters: readonly DeadLetter[]): Promise<void> {
    const { changed, count, failure, kept, refused } = this.#options.act === "redrive"
      ? await this.#letters.redrive(letters)
      : await this.#letters.purge(letters);
    this.#count += count;
    for (const [{ _id }, why] of refused) this.#refused.add(`${formatId(_id)} was refused`, why);
    for (const [{ _id }, why] of kept) {
      this.#refused.add(
        `${formatId(_id)} is redriven, and its dead letter stays, as its removal was refused`,
        why,
      );
    }
    if (failure) {
      this.#isUnsure = !isForbidden(failure.cause);
      throw failure.cause;
    }
    this.#passed += changed;
  }

  #report(done: string, end = ""): void {
    const others = this.#passed > 0 ? `; ${this.#passed} had changed meanwhile and were passed over` : "";
    const least = this.#isUnsure ? "at least " : "";
    remarks.say(`${least}${this.#count}${done}${end}${this.#refused.text}${others}`);
  }
}

const DONE = { redrive: "redriven", purge: "purged" } as const;

/** How a {@linkcode LettersChange} works. */
export interface LettersChangeOptions {
  act: keyof typeof DONE;
  /** Letters a second, at most. */
  perSecond: number | undefined;
  /** How many there may be, for the progress; undefined if they were not counted. */
  total: number | undefined;
  /** Print what would be done, and do nothing. */
  isDry: boolean;
}
