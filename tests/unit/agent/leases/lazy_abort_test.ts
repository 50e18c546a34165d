import { assertEquals, assertStrictEquals } from "@std/assert";
import { LazyAbort } from "../../../../agent/leases/lazy_abort.ts";

const REASON = new Error("enough");

Deno.test("LazyAbort: a signal that is asked for before the abort is aborted by it, with its reason", () => {
  const abort = new LazyAbort();
  const { signal } = abort;
  assertStrictEquals(abort.signal, signal);
  assertEquals([signal.aborted, abort.aborted], [false, false]);
  abort.abort(REASON);
  assertEquals([signal.aborted, abort.aborted], [true, true]);
  assertStrictEquals(signal.reason, REASON);
});

Deno.test("LazyAbort: a signal that is asked for after the abort is aborted already", () => {
  const abort = new LazyAbort();
  abort.abort(REASON);
  assertEquals(abort.signal.aborted, true);
  assertStrictEquals(abort.signal.reason, REASON);
});

Deno.test("LazyAbort: its follower is called once, with the first reason", () => {
  const abort = new LazyAbort();
  const told: unknown[] = [];
  abort.follow({ aborted: (reason) => void told.push(reason) });
  abort.abort(REASON);
  abort.abort(new Error("too late"));
  assertEquals(told, [REASON]);
  assertStrictEquals(abort.reason, REASON);
});

Deno.test("LazyAbort: a follower that does not follow any more is not called", () => {
  const abort = new LazyAbort();
  const told: unknown[] = [];
  abort.follow({ aborted: (reason) => void told.push(reason) });
  abort.unfollow();
  abort.abort(REASON);
  assertEquals(told, []);
});
