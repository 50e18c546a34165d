import { chunks } from "../../agent/lib/chunks.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { LETTERS_AT_ONCE, type LettersAct, LettersChange } from "../changes/letters_change.ts";
import { Refusals } from "../changes/refusals.ts";
import { type CommandBrake, commandBrake } from "./command_brake.ts";
import { Progress } from "./command_progress.ts";
import { letterLine } from "./letter_line.ts";

/** One redrive or purge as a command: it changes the letters that it is given, or shows them, and reports. */
export class LettersRun {
  readonly #options: LettersRunOptions;
  readonly #change: LettersChange;
  readonly #refused = new Refusals();
  readonly #brake: CommandBrake;
  #shown = 0;

  constructor(letters: LettersForCommands, options: LettersRunOptions) {
    this.#options = options;
    this.#brake = commandBrake(options, LETTERS_AT_ONCE);
    const progress = new Progress(remarks);
    this.#change = new LettersChange(letters, {
      act: options.act,
      brake: this.#brake.brake,
      onRefused: (what, why) => this.#refused.add(what, why),
      onStep: () => progress.update(`${this.#change.count}${this.#of} ${DONE[options.act]} so far`),
    });
  }

  /** Changes letters, or shows them; returns the exit status. Throws what the driver throws. */
  async make(letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>): Promise<number> {
    try {
      if (this.#options.isDry) await this.#show(letters);
      else await this.#change.make(letters);
    } catch (error) {
      this.#report(`${this.#of} ${this.#done}`, " before it failed");
      throw error;
    }
    await answers.finish();
    const { signal, status } = this.#brake.interruption ?? {};
    if (signal) this.#report(`${this.#of} ${this.#done}`, ` before ${signal}: there may be more`);
    else this.#report(` ${this.#done}`);
    return status || (this.#refused.count > 0 ? 1 : 0);
  }

  get #of(): string {
    const { total } = this.#options;
    return total === undefined ? "" : ` of ${total}`;
  }

  get #done(): string {
    const { act, isDry } = this.#options;
    return `${isDry ? "would be " : ""}${DONE[act]}`;
  }

  async #show(letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>): Promise<void> {
    for await (const some of chunks(letters, LETTERS_AT_ONCE)) {
      for (const letter of some) {
        await answers.print(letterLine(letter));
        this.#shown += 1;
      }
    }
  }

  #report(done: string, end = ""): void {
    const { count, isUnsure, passedOver } = this.#change;
    const others = passedOver > 0 ? `; ${passedOver} had changed meanwhile and were passed over` : "";
    const least = isUnsure ? "at least " : "";
    remarks.say(`${least}${count + this.#shown}${done}${end}${this.#refused.text}${others}`);
  }
}

const DONE = { redrive: "redriven", purge: "purged" } as const;

/** How a {@linkcode LettersRun} works. */
export interface LettersRunOptions {
  act: LettersAct;
  /** Letters a second, at most. */
  perSecond: number | undefined;
  /** How many there may be, for the progress; undefined if they were not counted. */
  total: number | undefined;
  /** Print what would be done, and do nothing. */
  isDry: boolean;
}
