import type { Clock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
import { type LetterGroup, LetterGroups } from "../../agent/store/dead_letters/letter_groups.ts";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import { shownId } from "../fleet/shown_id.ts";
import type { GroupRow, GroupsAnswer } from "./api.ts";
import type { Kept } from "./kept.ts";
import { Refusal } from "./refusal.ts";
import { shownKey } from "./shown_key.ts";

/** Groups that are shown, at most. */
const MAX_SHOWN = 100;
/** They are read anew after so long, in milliseconds, and after so many times as long as it took. */
const [FRESH_MS, REST] = [10_000, 9];
/** A viewer waits for so long, in milliseconds, before it gets what is there so far. */
const PATIENCE_MS = 500;

/** A reading of all letters, as far as it has come. */
interface Reading {
  readonly at: Date;
  readonly groups: LetterGroups;
  isComplete: boolean;
}

/**
 * The dead letters by their errors. All of them are read for that, which takes seconds if there are many: once for all
 * viewers, in the background, and for a tenth of the time at most. While the first reading is under way, viewers see how
 * far it has come; later they see the last one that is complete.
 */
export class GroupReading {
  readonly #letters: Kept<LettersForCommands>;
  readonly #explain: (error: unknown) => string;
  readonly #clock: Clock;
  #shown: Reading | undefined;
  #running: Promise<void> | undefined;
  #restUntilMs = -Infinity;
  #trouble: string | undefined;
  #isEnded = false;

  constructor(letters: Kept<LettersForCommands>, explain: (error: unknown) => string, clock: Clock) {
    this.#letters = letters;
    this.#explain = explain;
    this.#clock = clock;
  }

  /** The groups as far as they are known. Never throws. */
  async look(): Promise<GroupsAnswer> {
    if (this.#clock.monotonicMs() >= this.#restUntilMs && !this.#isEnded) this.#running ??= this.#read();
    if (this.#running && !this.#shown?.isComplete) {
      await doneBy(this.#running, { clock: this.#clock, limitMs: PATIENCE_MS });
    }
    const { at, groups, isComplete = false } = this.#shown ?? {};
    const all = groups?.sorted("letters") ?? [];
    return {
      groups: all.slice(0, MAX_SHOWN).map(groupRow),
      groups_total: all.length,
      letters: groups?.letters ?? 0,
      is_complete: isComplete,
      at: at?.toISOString() ?? null,
      trouble: this.#trouble ?? null,
    };
  }

  /**
   * Tells the letters of no group but that of all others, by the groups that viewers see.
   *
   * @throws {Refusal} If the letters were not read yet.
   */
  async isOther(): Promise<(letter: DeadLetter) => boolean> {
    await this.look();
    const { groups, isComplete = false } = this.#shown ?? {};
    if (groups === undefined || !isComplete) {
      throw new Refusal(503, "busy", "The letters are being read: retry in a moment");
    }
    return (letter) => groups.isOther(letter);
  }

  /** Makes the next look read anew: letters were changed. */
  forget(): void {
    this.#restUntilMs = -Infinity;
  }

  /** Ends a reading that is under way. */
  end(): void {
    this.#isEnded = true;
  }

  /** Never throws. */
  async #read(): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    // What viewers see by itself never becomes one of all others.
    const known = this.#shown?.groups;
    const reading: Reading = { at: new Date(), groups: new LetterGroups(known), isComplete: false };
    if (!this.#shown?.isComplete) this.#shown = reading;
    try {
      for await (const letter of (await this.#letters.get()).survey({})) {
        reading.groups.add(letter);
        if (this.#isEnded) return;
      }
      reading.isComplete = true;
      this.#shown = reading;
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = this.#explain(error);
    } finally {
      const endMs = this.#clock.monotonicMs();
      this.#restUntilMs = endMs + Math.max(FRESH_MS, REST * (endMs - startMs));
      this.#running = undefined;
    }
  }
}

function groupRow({ example, first, isOthers, last, letters, pattern }: LetterGroup): GroupRow {
  return {
    pattern: isOthers ? null : pattern,
    letters,
    first: first?.toISOString() ?? null,
    last: last?.toISOString() ?? null,
    example_key: shownKey(example.id),
    example_id: shownId(example.id),
    example_error: example.error,
  };
}
