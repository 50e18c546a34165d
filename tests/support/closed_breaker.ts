import { Breaker } from "../../agent/breaker/breaker.ts";
import { Events } from "../../agent/events.ts";
import { ManualClock } from "./manual_clock.ts";

/** A breaker that never opens, for parts of the agent that are tested by themselves. */
export const CLOSED_BREAKER = new Breaker({
  clock: new ManualClock(),
  events: new Events(),
  threshold: 0,
  cooldownMs: 10_000,
  maxAttempts: 3,
});
