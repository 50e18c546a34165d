import { timeOfDayMs } from "../../lib/builtins.ts";
import type { StoreContext } from "../store_context.ts";

/** Times that differ by less count as the same one, in milliseconds: what is known of the server's clock is that inexact. */
const SAME_MS = 1000;

/**
 * A moment in the life of this process by the server's clock, which judges how long ago it is. How long ago it is here tells
 * the clock that never jumps: that of the day may be set after the moment.
 */
export class OwnTime {
  readonly #options: OwnTimeOptions;
  #moment: Moment | undefined;

  constructor(options: OwnTimeOptions) {
    this.#options = options;
  }

  /**
   * The moment by the server's clock, if that is known. It stays the same unless a clock has jumped.
   *
   * @param time the moment by the clock of the day. One that is asked for the first time has just been
   */
  at(time: Date): Date {
    const { clock, serverClock, timeOfDayMs: nowMs = timeOfDayMs } = this.#options;
    const dayMs = time.getTime();
    if (this.#moment?.dayMs !== dayMs) {
      this.#moment = { dayMs, monotonicMs: clock.monotonicMs() - (nowMs() - dayMs), told: time };
    }
    const { monotonicMs, told } = this.#moment;
    if (!serverClock.isKnown) return told;
    const byServerMs = serverClock.now().getTime() - (clock.monotonicMs() - monotonicMs);
    if (Math.abs(byServerMs - told.getTime()) >= SAME_MS) {
      this.#moment.told = new Date(Math.round(byServerMs));
    }
    return this.#moment.told;
  }
}

interface Moment {
  /** By the clock of the day, and by the one that never jumps, in milliseconds. */
  readonly dayMs: number;
  readonly monotonicMs: number;
  told: Date;
}

/** What an {@linkcode OwnTime} needs. */
export interface OwnTimeOptions extends Pick<StoreContext, "clock" | "serverClock"> {
  /** The clock of the machine, in milliseconds since 1970. */
  timeOfDayMs?: () => number;
}
