import { type Chance, systemChance } from "./chance.ts";
import { type Clock, systemClock } from "./clock.ts";

/**
 * What differs between two runs that are the same otherwise. Each part that reads a clock or draws a random number
 * takes them by these names.
 */
export interface TimeAndChance {
  clock: Clock;
  random: Chance;
}

/** Those of the machine. */
export const SYSTEM: Readonly<TimeAndChance> = { clock: systemClock, random: systemChance };
