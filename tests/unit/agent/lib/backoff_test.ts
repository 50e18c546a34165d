import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { backoffMs } from "../../../../agent/lib/backoff.ts";
import { systemChance } from "../../../../agent/lib/chance.ts";
import { integerFrom, pick, testRandom } from "../../../support/random.ts";

const CASES = 5000;
/** Stands for the greatest value that a source of random numbers gives. */
const ALMOST_ONE = () => 1 - 2 ** -53;

interface Case {
  retry: number;
  baseMs: number;
  maxMs: number;
}

/** Thousands of cases, the same on every run, with the odd ones well represented. */
function* cases(): Generator<Case & { random: () => number }> {
  const random = testRandom(1);
  for (let count = 0; count < CASES; count++) {
    yield {
      retry: pick(random, [
        0,
        1,
        2,
        integerFrom(random, 1, 60),
        1023,
        1024,
        1025,
        1e9,
        Number.MAX_SAFE_INTEGER,
      ]),
      baseMs: pick(random, [0, 1, integerFrom(random, 1, 100_000), 86_400_000]),
      maxMs: pick(random, [0, 1, integerFrom(random, 1, 1_000_000), 30 * 86_400_000]),
      random,
    };
  }
}

Deno.test("backoffMs() is never negative, never above maxMs, never a fraction and never NaN", () => {
  for (const { retry, ...options } of cases()) {
    const ms = backoffMs(retry, options);
    assert(Number.isInteger(ms) && ms >= 0 && ms <= options.maxMs, JSON.stringify({ retry, ...options, ms }));
  }
});

Deno.test("backoffMs() never exceeds the exponential bound of its retry", () => {
  for (const { retry, ...options } of cases()) {
    const boundMs = options.baseMs * 2 ** Math.min(Math.max(0, retry - 1), 60);
    assert(backoffMs(retry, options) <= boundMs, JSON.stringify({ retry, ...options }));
  }
});

Deno.test("backoffMs() has a bound that never falls from one retry to the next", () => {
  for (const { baseMs, maxMs } of cases()) {
    let lastMs = 0;
    for (let retry = 0; retry < 80; retry++) {
      const boundMs = backoffMs(retry, { baseMs, maxMs, random: ALMOST_ONE });
      assert(boundMs >= lastMs, JSON.stringify({ retry, baseMs, maxMs }));
      lastMs = boundMs;
    }
  }
});

Deno.test("backoffMs() doubles its bound with each retry until it reaches maxMs", () => {
  const options = { baseMs: 1000, maxMs: 10_000, random: ALMOST_ONE };
  assertEquals([1, 2, 3, 4, 5, 6, 1e308].map((retry) => backoffMs(retry, options)), [
    999,
    1999,
    3999,
    7999,
    9999,
    9999,
    9999,
  ]);
});

Deno.test("backoffMs() can be zero, as full jitter includes zero", () => {
  assertEquals(backoffMs(5, { baseMs: 1000, maxMs: 10_000, random: () => 0 }), 0);
});

Deno.test("backoffMs() spreads evenly between zero and its bound", () => {
  const random = testRandom(7);
  const buckets = Array.from({ length: 10 }, () => 0);
  const draws = 20_000;
  for (let draw = 0; draw < draws; draw++) {
    const ms = backoffMs(4, { baseMs: 1000, maxMs: 1_000_000, random });
    assertLess(ms, 8000);
    buckets[Math.floor(ms / 800)]! += 1;
  }
  for (const count of buckets) {
    assertGreater(count, draws / 10 * 0.9);
    assertLess(count, draws / 10 * 1.1);
  }
});

Deno.test("systemChance draws another number each time", () => {
  const options = { baseMs: 1000, maxMs: 1e9, random: systemChance };
  const drawn = new Set(Array.from({ length: 50 }, () => backoffMs(20, options)));
  assertGreater(drawn.size, 10);
});
