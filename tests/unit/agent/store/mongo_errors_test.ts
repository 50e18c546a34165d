import { assert, assertEquals } from "@std/assert";
import { BSON, MongoInvalidArgumentError, MongoNetworkError, MongoServerError } from "mongodb";
import { OperationTimeoutError } from "../../../../agent/store/connection/operation_timeout.ts";
import { ModeTroubleError } from "../../../../agent/store/ranges/mode_trouble.ts";
import { isDoubtful, isRefused, isTransient, isUnexplained } from "../../../../agent/store/mongo_errors.ts";

const thrownBy = (value: unknown): unknown => {
  try {
    BSON.serialize(value as BSON.Document);
  } catch (error) {
    return error;
  }
  throw new Error("it was serialized");
};

const circle: BSON.Document = {};
circle.self = circle;

const CASES: [what: string, error: unknown, kind: "refused" | "doubtful" | "unexplained" | "transient"][] = [
  ["a validator", new MongoServerError({ code: 121 }), "refused"],
  ["a code of the server that no list knows", new MongoServerError({ code: 12345 }), "doubtful"],
  ["a failover", new MongoServerError({ code: 10107 }), "transient"],
  ["a network that fails", new MongoNetworkError("gone"), "transient"],
  [
    "trouble with the collection of the agents",
    new ModeTroubleError("shop.a", new Error("8000")),
    "transient",
  ],
  ["no answer", new OperationTimeoutError("no answer"), "transient"],
  ["an argument that the driver does not take", new MongoInvalidArgumentError("no"), "refused"],
  ["a value of another version of bson", new BSON.BSONVersionError(), "refused"],
  ["a circle", thrownBy(circle), "refused"],
  ["a name with NUL", thrownBy({ "a\0b": 1 }), "refused"],
  ["a value beyond the driver's buffer", new RangeError("offset is out of bounds"), "refused"],
  ["a function that is gone", new TypeError("live.map is not a function"), "unexplained"],
  ["a global that is gone", new ReferenceError("Map is not defined"), "unexplained"],
  ["an error of another's function", new Error("patched"), "unexplained"],
];

for (const [what, error, kind] of CASES) {
  Deno.test(`isRefused() and its like: ${what} is ${kind}`, () => {
    assert(error instanceof Error);
    assertEquals(isUnexplained(error), kind === "unexplained");
    assertEquals(isTransient(error), kind === "transient");
    // One refusal may be doubtful; the document is blamed only if other documents are accepted meanwhile.
    assertEquals(isRefused(error), kind === "refused" || kind === "doubtful");
    assertEquals(isDoubtful(error), kind === "doubtful" || kind === "unexplained");
  });
}
