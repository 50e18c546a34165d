import { random } from "./builtins.ts";

/** Chance as the agent's parts see it, so that tests can control it: a number, at least 0 and less than 1. */
export type Chance = () => number;

/** The chance of the machine. */
export const systemChance: Chance = random;
