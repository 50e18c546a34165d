import { assert, assertEquals, assertLess } from "@std/assert";
import {
  ForcedStopError,
  LeaseLostError,
  PermanentError,
  ProcessTimeoutError,
} from "../../../../agent/errors.ts";
import { type Outcome, outcomeOf } from "../../../../agent/settling/outcome.ts";
import { integerFrom, pick, rounds, testRandom } from "../../../support/random.ts";
import { safe } from "../../../support/safe_text.ts";

/** Longest error text kept on a document. */
const MAX_ERROR_LENGTH = 1000;

const POLICY = {
  maxAttempts: 3,
  maxSnoozeMs: 60_000,
  retryBackoffMs: 1000,
  retryBackoffMaxMs: 10_000,
  random: () => 0.5,
};

function failed(error: unknown, attempt = 1): Outcome {
  return outcomeOf({ ok: false, error }, attempt, POLICY);
}

Deno.test("outcomeOf() acks a success, with the fields to set and the writes, for any attempt", () => {
  assertEquals(outcomeOf({ ok: true }, 99, POLICY), { kind: "ack", set: undefined, writes: undefined });
  const set = { a: 1 };
  const writes = [{ collection: "b", insertOne: { c: 1 } }];
  assertEquals(outcomeOf({ ok: true, set, writes }, 1, POLICY), { kind: "ack", set, writes });
});

Deno.test("outcomeOf() puts a document off that asks for it, at any attempt, for MAX_SNOOZE at most", () => {
  assertEquals(outcomeOf({ ok: true, snoozeMs: 0 }, 1, POLICY), { kind: "snooze", snoozeMs: 0 });
  assertEquals(outcomeOf({ ok: true, snoozeMs: 5000 }, 99, POLICY), { kind: "snooze", snoozeMs: 5000 });
  assertEquals(outcomeOf({ ok: true, snoozeMs: 1e15 }, 3, POLICY), { kind: "snooze", snoozeMs: 60_000 });
});

Deno.test("outcomeOf() nacks a failure after the backoff of its attempt", () => {
  assertEquals(failed(new Error("it broke"), 1), { kind: "nack", error: safe("it broke"), delayMs: 500 });
  assertEquals(failed(new Error("it broke"), 2), { kind: "nack", error: safe("it broke"), delayMs: 1000 });
});

Deno.test("outcomeOf() makes the last attempt's failure a dead letter", () => {
  for (const attempt of [3, 4, 1000]) {
    assertEquals(failed(new Error("it broke"), attempt), { kind: "dead_letter", error: safe("it broke") });
  }
});

Deno.test("outcomeOf() makes a permanent error of any class a dead letter at once", () => {
  for (const error of [new PermanentError("no"), Object.assign(new Error("no"), { permanent: true })]) {
    assertEquals(failed(error), { kind: "dead_letter", error: safe("no") });
  }
  assertEquals(failed({ permanent: true, message: "no" }), { kind: "dead_letter", error: safe("no") });
});

Deno.test("outcomeOf() takes nothing but true for permanent", () => {
  for (const permanent of [false, "true", 1, {}, null, undefined]) {
    assertEquals(failed({ permanent, message: "no" }).kind, "nack");
  }
});

Deno.test("outcomeOf() releases what was interrupted, even at its last attempt", () => {
  for (const error of [new ForcedStopError(), new LeaseLostError()]) {
    assertEquals(failed(error, 3), { kind: "release", wasAborted: true });
  }
});

Deno.test("outcomeOf() tells a document that its handler never saw from one whose handler was aborted", () => {
  const error = new LeaseLostError();
  assertEquals(outcomeOf({ ok: false, error, hasStarted: false }, 1, POLICY), { kind: "release" });
});

Deno.test("outcomeOf() counts a timeout as a failure", () => {
  assertEquals(failed(new ProcessTimeoutError("too long")).kind, "nack");
  assertEquals(failed(new ProcessTimeoutError("too long"), 3).kind, "dead_letter");
});

const YEAR_MS = 365 * 24 * 3600 * 1000;
for (
  const [retryAfterMs, delayMs] of [
    [0, 0],
    [1, 1],
    [250.5, 250.5],
    [50_000, 50_000],
    [YEAR_MS + 1, YEAR_MS],
    [Number.MAX_VALUE, YEAR_MS],
    [Infinity, YEAR_MS],
    [-1, 500],
    [-Infinity, 500],
    [NaN, 500],
    ["1000", 500],
    [null, 500],
    [undefined, 500],
    [1000n, 500],
    [{}, 500],
  ]
) {
  Deno.test(`outcomeOf() makes of retryAfterMs ${Deno.inspect(retryAfterMs)} a wait of ${delayMs} ms`, () => {
    const outcome = failed(Object.assign(new Error("busy"), { retryAfterMs }));
    assertEquals(outcome, { kind: "nack", error: safe("busy"), delayMs: delayMs as number });
  });
}

Deno.test("outcomeOf() lets neither permanent nor the last attempt be overruled by retryAfterMs", () => {
  assertEquals(failed({ permanent: true, retryAfterMs: 5, message: "no" }).kind, "dead_letter");
  assertEquals(failed({ retryAfterMs: 5, message: "no" }, 3).kind, "dead_letter");
});

for (const thrown of [undefined, null, "text", 42, 42n, Symbol("s"), {}, [], () => {}, Object.create(null)]) {
  Deno.test(`outcomeOf() retries ${Deno.inspect(thrown)} thrown in place of an error`, () => {
    const outcome = failed(thrown);
    assert(outcome.kind === "nack" && typeof outcome.error === "string");
  });
}

Deno.test("outcomeOf() never throws, even if nothing can be read of what was thrown", () => {
  const throwing = () => {
    throw new Error("unreadable");
  };
  const trap = new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing });
  for (const [error, attempt] of [[trap, 1], [trap, 3]] as const) {
    const outcome = failed(error, attempt);
    assertEquals(outcome.kind, attempt === 1 ? "nack" : "dead_letter");
    assertEquals((outcome as { error: string }).error, "an error that cannot be read");
  }
  assertEquals(failed(Object.assign(new Error("x"), { message: { a: 1 } })).kind, "nack");
});

Deno.test("outcomeOf() keeps an error text up to the limit and cuts a longer one", () => {
  const textOf = (message: string) => (failed(new Error(message)) as { error: string }).error;
  const fits = "x".repeat(MAX_ERROR_LENGTH);
  assertEquals(textOf(fits), fits);
  assertEquals(textOf(fits + "y"), "x".repeat(MAX_ERROR_LENGTH - 1) + "…");
});

Deno.test("outcomeOf() never cuts a character in half", () => {
  const random = testRandom(3);
  for (let count = 0; count < rounds(250); count++) {
    const length = integerFrom(random, MAX_ERROR_LENGTH - 20, MAX_ERROR_LENGTH + 20);
    const message = Array.from({ length }, () => pick(random, ["a", "ä", "😀", "中", "👩‍🚀"])).join("");
    const { error } = failed(new Error(message)) as { error: string };
    assert(error.isWellFormed(), `cut in half: ${error.slice(-3)}`);
    assert(error.length <= MAX_ERROR_LENGTH);
    assert(message.startsWith(error.replace(/…$/, "")));
    if (message.length > MAX_ERROR_LENGTH) assertLess(MAX_ERROR_LENGTH - 3, error.length);
  }
});

Deno.test("outcomeOf() draws every wait below the bound of its attempt", () => {
  const random = testRandom(5);
  for (let count = 0; count < rounds(250); count++) {
    const policy = { ...POLICY, maxAttempts: 1000, random };
    const attempt = integerFrom(random, 1, 900);
    const outcome = outcomeOf({ ok: false, error: "x" }, attempt, policy);
    assert(outcome.kind === "nack");
    assertLess(outcome.delayMs, Math.min(10_000, 1000 * 2 ** (attempt - 1)));
  }
});
