import { assertEquals } from "@std/assert";
import { RateLimiter, type Share, WHOLE } from "../../../agent/pacing/rate_limiter.ts";
import { limitStatus, limitText } from "../../../health/limit_status.ts";
import { ManualClock } from "../../support/manual_clock.ts";

function statusOf(share: Share, documents: number, perMs: number) {
  const limiter = new RateLimiter({ clock: new ManualClock(), limit: { documents, perMs }, share });
  limiter.hold("claims", true);
  return limitStatus(limiter);
}

Deno.test("limitStatus() shows the limit, what of it is there, and when the next document may start", () => {
  const alone = statusOf(WHOLE, 3, 3_600_000);
  assertEquals(alone, { limit: "3/h", here_per_s: 0.0008333, holds_back: true, next_in_s: 1200 });
  assertEquals(limitText(alone), "3/h, holds the agent back now");
  const share = { fraction: 1 / 3, untilMs: Infinity, fleet: { agents: 3, silent: 1 } };
  const inFleet = statusOf(share, 50, 1000);
  assertEquals(inFleet.here_per_s, 16.67);
  assertEquals(
    limitText(inFleet),
    "50/s, for 3 agents, 1 silent: 16.67 a second here, holds the agent back now",
  );
});

Deno.test("limitStatus() does not know when the next document may start without a share", () => {
  const none = statusOf({ fraction: 0, untilMs: Infinity, fleet: { agents: 1, silent: 0 } }, 50, 1000);
  assertEquals(none.next_in_s, undefined);
  assertEquals(limitText({ ...none, holds_back: false }), "50/s, for 1 agent: 0 a second here");
});
