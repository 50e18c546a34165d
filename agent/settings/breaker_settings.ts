import { DAY_MS, LOOKS, seconds, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** When the agent takes its processor to be down, and how long it waits then. */
export const BREAKER_SETTINGS = {
  breakerThreshold: setting<number>({
    variable: "BREAKER_THRESHOLD",
    parse: parse.integer(0, 1000),
    default: "20",
    decides: LOOKS.count,
    doc:
      "So many different documents have to fail in a row, in a way that a retry may mend, before the agent takes its " +
      "processor to be down and claims one document at a time. 0 turns this off.",
  }),
  breakerCooldownMs: setting<number>({
    variable: "BREAKER_COOLDOWN",
    parse: seconds(0.1, DAY_MS / 1000),
    default: "10",
    decides: LOOKS.duration,
    doc:
      "Wait before the next documents are tried while the processor is down. It doubles each time, up to 30 times as " +
      "long, but to no more than 5 minutes.",
  }),
} as const;
