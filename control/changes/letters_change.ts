import { chunks } from "../../agent/lib/chunks.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import { isForbidden } from "../../agent/store/mongo_errors.ts";
import type { Brake } from "./brake.ts";

/** Letters that are changed together. */
export const LETTERS_AT_ONCE = 200;

/** What is done to letters: their documents are set back to pending, or they are removed. */
export type LettersAct = "redrive" | "purge";

/** One redrive or purge: it changes the letters that it is given, keeps the pace, and counts. */
export class LettersChange {
  readonly #letters: LettersForCommands;
  readonly #options: LettersChangeOptions;
  #count = 0;
  #isUnsure = false;
  #passedOver = 0;

  constructor(letters: LettersForCommands, options: LettersChangeOptions) {
    this.#letters = letters;
    this.#options = options;
  }

  /** Letters that were changed. */
  get count(): number {
    return this.#count;
  }

  /** A write has failed, and may have been made in part: there may be more than were counted. */
  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /** Letters that had changed meanwhile, and were passed over. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** Changes letters until they end, or the brake stops it. Throws what the driver throws. */
  async make(letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>): Promise<void> {
    const { brake, onStep } = this.#options;
    for await (const some of chunks(letters, brake.step)) {
      if (!await brake.pass(some.length)) return;
      await this.#change(some);
      if (brake.isStopped) return;
      onStep();
    }
  }

  async #change(letters: readonly DeadLetter[]): Promise<void> {
    const { act, onRefused } = this.#options;
    const { changed, count, failure, kept, refused } = act === "redrive"
      ? await this.#letters.redrive(letters)
      : await this.#letters.purge(letters);
    this.#count += count;
    for (const [{ _id }, why] of refused) onRefused(`${formatId(_id)} was refused`, why);
    for (const [{ _id }, why] of kept) {
      onRefused(`${formatId(_id)} is redriven, and its dead letter stays, as its removal was refused`, why);
    }
    if (failure) {
      this.#isUnsure = !isForbidden(failure.cause);
      throw failure.cause;
    }
    this.#passedOver += changed;
  }
}

/** How a {@linkcode LettersChange} works. */
export interface LettersChangeOptions {
  readonly act: LettersAct;
  readonly brake: Brake;
  /** `what` was refused, such as `42 was refused`. */
  onRefused(what: string, why: unknown): void;
  /** A batch is done, and another one may follow. */
  onStep(): void;
}
