import { assertEquals } from "@std/assert";
import { MongoServerError, MongoWriteConcernError } from "mongodb";
import { OperationTimeoutError } from "../../../../../agent/store/connection/operation_timeout.ts";
import { isTransient } from "../../../../../agent/store/mongo_errors.ts";
import { noMajority, whyNoMajority } from "../../../../../agent/store/connection/no_majority.ts";

const set = (...types: string[]) => types.map((type, at) => ({ address: `m${at}:1`, type }));
const DOWN = set("RSPrimary", "Unknown", "RSArbiter");
const TAIL = ". Start the members that are down, and look at rs.status()";

Deno.test("whyNoMajority() names the members that are down and those that hold no data", () => {
  assertEquals(
    whyNoMajority(DOWN),
    "The primary m0:1 takes writes, and no majority of the replica set acknowledges them: m1:1 does not answer or is " +
      "no secondary now, and m2:1 is an arbiter, which holds no data" + TAIL,
  );
});

Deno.test("whyNoMajority() has nothing to say of a set that is well, or has no primary", () => {
  for (
    const types of [
      ["RSPrimary", "RSSecondary", "RSArbiter"],
      ["RSPrimary", "RSSecondary", "Unknown"],
      ["RSPrimary"],
      ["Standalone"],
      ["RSSecondary", "Unknown", "Unknown"],
      [],
    ]
  ) {
    assertEquals(whyNoMajority(set(...types)), undefined, types.join());
  }
});

Deno.test("noMajority() explains writes that were not acknowledged, and no other errors; they may be sent again", () => {
  const concern = (code: number) =>
    new MongoWriteConcernError({
      ok: 1,
      writeConcernError: { code, errmsg: "waiting for replication timed out" },
    });
  for (const error of [new OperationTimeoutError("late"), concern(64), concern(100)]) {
    assertEquals(isTransient(noMajority(error, DOWN)), true);
    assertEquals(noMajority(error, set("RSPrimary", "RSSecondary", "RSArbiter")), undefined);
  }
  for (
    const error of [new MongoServerError({ code: 121, message: "no" }), concern(4242), new TypeError("no")]
  ) {
    assertEquals(noMajority(error, DOWN), undefined);
  }
});
