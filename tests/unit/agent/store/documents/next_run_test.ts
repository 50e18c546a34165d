import { assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { nextRunOf, nextRunOfNew } from "../../../../../agent/store/documents/next_run.ts";

const runOf = (document: object) => nextRunOf(BSON.serialize({ _id: 1, ...document }), "db.orders");
const dead_at = new Date();

Deno.test("nextRunOf() counts the attempt that comes next, or that a takeover inherits", () => {
  assertEquals(runOf({ status: "pending" }).attempt, 1);
  assertEquals(runOf({ status: "pending", _pull: { attempts: 2 } }).attempt, 3);
  assertEquals(runOf({ status: ["new", "pending"], _pull: { attempts: 2 } }).attempt, 3);
  assertEquals(runOf({ status: "processing", _pull: { attempts: 2, token: "t" } }).attempt, 2);
  assertEquals(runOf({ status: "processing" }).attempt, 1);
});

Deno.test("nextRunOf() begins anew with a document that no longer waits", () => {
  for (const status of ["processed", "failed", "mine", null]) {
    const run = runOf({ status, _pull: { attempts: 9, alone: 2, dead_at }, error: "no", last: true });
    assertEquals([run.attempt, run.verdict, run.deadLetterReason], [1, undefined, undefined], `${status}`);
    assertEquals(run.read(), { _id: 1, status: "processing", error: "no", last: true });
  }
  const waiting = runOf({ status: "pending", _pull: { attempts: 9, dead_at }, error: "no" });
  assertEquals(waiting.verdict, { deadAt: dead_at, reason: "no" });
});

Deno.test("nextRunOfNew() gives a document without an _id one, and keeps one that is there", () => {
  const run = nextRunOfNew({ a: 1 }, "db.orders");
  assertEquals(run.id instanceof BSON.ObjectId, true);
  assertEquals(run.idempotencyKey, `db.orders:{"$oid":"${run.id}"}`);
  assertEquals(nextRunOfNew({ _id: null, a: 1 }, "db.orders").id, null);
});
