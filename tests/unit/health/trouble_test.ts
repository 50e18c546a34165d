import { assert, assertEquals } from "@std/assert";
import { SourceError } from "../../../agent/errors.ts";
import type { AgentEvent } from "../../../agent/events.ts";
import { Trouble } from "../../../health/trouble.ts";
import { reachable } from "../../support/reporter_setup.ts";

const failed = (error: unknown): AgentEvent => ({ type: "claim_failed", error, retryInMs: 5 });
const CLAIMED: AgentEvent = { type: "claimed", documents: 0, takeovers: 0, conflicts: 0, elapsedMs: 1 };
const brief = ({ current }: Trouble): unknown => current && [current.what, current.message];

Deno.test("Trouble names the first cause and its last error, since when it lasts, and nothing once it is over", () => {
  const source = { isUsable: false };
  const trouble = new Trouble(source);
  assertEquals(brief(trouble), ["not_reached", undefined]);
  const since = trouble.current!.since;
  trouble.observe(failed(new Error("no server")));
  trouble.observe(failed(new Error("no primary")));
  assertEquals(brief(trouble), ["not_reached", "no primary"]);
  assertEquals(trouble.current!.since, since);
  trouble.observe(reachable(true));
  trouble.observe(failed(new SourceError("there is no shop.orders", { isLasting: false })));
  assertEquals(brief(trouble), ["no_collection", "there is no shop.orders"]);
  source.isUsable = true;
  trouble.sourceChanged();
  assertEquals(brief(trouble), ["claims_fail", "there is no shop.orders"]);
  trouble.observe(CLAIMED);
  assertEquals([trouble.exists, trouble.current], [false, undefined]);
  trouble.observe({ type: "reachable_changed", isReachable: false, error: new Error("gone") });
  assertEquals(brief(trouble), ["unreachable", "gone"]);
});

Deno.test("Trouble ends with an answer of the registry, if claims failed because of it: the next claim may be hours away", () => {
  const trouble = new Trouble();
  trouble.observe(reachable(true));
  trouble.observe(failed(new Error("not authorized")));
  trouble.observe(failed(new Error("not authorized")));
  assertEquals(brief(trouble), ["claims_fail", "not authorized"]);
  trouble.observe({ type: "registry_answers" });
  assertEquals(trouble.exists, false);
});

Deno.test("Trouble forgets the error of an outage that is over", () => {
  const trouble = new Trouble();
  trouble.observe(reachable(true));
  trouble.observe({ type: "reachable_changed", isReachable: false, error: new Error("first") });
  trouble.observe(reachable(true));
  trouble.observe(reachable(false));
  assertEquals(brief(trouble), ["unreachable", undefined]);
});

Deno.test("Trouble tells that the processor fails, when a document is tried next, and nothing once one succeeds", () => {
  const trouble = new Trouble();
  trouble.observe(reachable(true));
  const opened = { type: "breaker_opened", openForMs: 0, isAgain: false, isLasting: false } as const;
  trouble.observe({ ...opened, error: new Error("connection refused"), retryInMs: 3_600_000 });
  const { next_at: nextAt, what, message } = trouble.current!;
  assertEquals([what, message], ["processor_fails", "connection refused"]);
  assert(Date.parse(nextAt!) > Date.now() + 3_000_000, nextAt);
  trouble.observe({ type: "breaker_half_opened" });
  assertEquals([trouble.exists, trouble.current!.next_at], [true, undefined]);
  trouble.observe({ type: "breaker_closed", openForMs: 5 });
  assertEquals(trouble.exists, false);
});
