import { assert, assertEquals } from "@std/assert";
import { ageMs, type Stamp, stamp, stampIn } from "../../../health/machine_time.ts";
import { integerFrom, testRandom } from "../../support/random.ts";

const HOUR_S = 3600;

/** What the two clocks say so many seconds after a common start. */
function at(seconds: number, { setBy = 0 } = {}): Stamp {
  return {
    at: new Date((1e9 + seconds + setBy) * 1000).toISOString(),
    // The system counts whole seconds, and rounds up.
    machine_uptime_s: Math.ceil(5000.4 + seconds),
  };
}

Deno.test("ageMs() is exact while no clock is set", () => {
  assertEquals(ageMs(at(0), at(0)), 0);
  assertEquals(ageMs(at(0), at(4.25)), 4250);
  assertEquals(ageMs(at(0), at(100 * HOUR_S)), 100 * HOUR_S * 1000);
});

Deno.test("ageMs() stays within two seconds of the truth however the time of day is set in between", () => {
  const random = testRandom(19);
  for (let round = 0; round < 2000; round++) {
    const seconds = random() * integerFrom(random, 1, 1000);
    const setBy = (random() - 0.5) * integerFrom(random, 1, 1000) * HOUR_S;
    const age = ageMs(at(0), at(seconds, { setBy }));
    assert(age >= 0 && Math.abs(age - seconds * 1000) <= 3500, `${seconds} s, set by ${setBy} s: ${age} ms`);
  }
});

Deno.test("ageMs() is infinite for a stamp from before the start of the machine", () => {
  assertEquals(ageMs(at(4000), { ...at(4010), machine_uptime_s: 12 }), Infinity);
});

Deno.test("ageMs() goes by the time of day if one of the two does not know the uptime, and is never negative", () => {
  const { at: day } = at(0);
  assertEquals(ageMs({ at: day }, at(7)), 7000);
  assertEquals(ageMs(at(0), { at: at(7).at }), 7000);
  assertEquals(ageMs({ at: at(7).at }, at(0)), 0);
});

Deno.test("stampIn() reads the stamp of a health file, and none of anything else", () => {
  const now = stamp();
  assertEquals(stampIn(JSON.stringify({ ...now, stage: "idle" })), now);
  assertEquals(stampIn(`{"at":"${now.at}"}`), { at: now.at });
  for (const text of ["", "{", "null", "{}", "7", "[]", '{"at":"soon"}', '{"at":{}}']) {
    assertEquals(stampIn(text), undefined, text);
  }
});
