import { assertEquals } from "@std/assert";
import {
  bytes,
  count,
  milliseconds,
  rate,
  sentence,
  span,
} from "../../../../control/dashboard/page/format.ts";
import { isoOf, numberOf } from "../../../../control/dashboard/page/bson_value.ts";

Deno.test("span() gives a length of time in at most two units", () => {
  const found = [0, 0.4, 1, 59.6, 60, 125, 3600, 12_000, 40_000, 86_400, 270_000, -5, NaN].map(span);
  assertEquals(found, [
    "0 s",
    "0.4 s",
    "1 s",
    "1 min",
    "1 min",
    "2 min 5 s",
    "1 h",
    "3 h 20 min",
    "11 h",
    "1 d",
    "3 d 3 h",
    "0 s",
    "?",
  ]);
});

Deno.test("rate() shows that something is not nothing", () => {
  assertEquals([0, 0.001, 0.05, 1, 41.26, 99.9, 1234.5].map(rate), [
    "0",
    "< 0.01",
    "0.05",
    "1.0",
    "41.3",
    "99.9",
    "1,235",
  ]);
});

Deno.test("count(), milliseconds() and bytes() give numbers for people", () => {
  assertEquals([count({ n: 100_000, capped: true }), count({ n: 12_403, capped: false })], [
    "≥ 100,000",
    "12,403",
  ]);
  assertEquals([8.4, 1400, 125_000].map(milliseconds), ["8 ms", "1.4 s", "2 min 5 s"]);
  assertEquals([1, 18_433, 3 * 2 ** 20].map(bytes), ["1 byte", "18.0 KiB", "3.0 MiB"]);
});

Deno.test("sentence() begins with a capital and ends with one full stop", () => {
  assertEquals(["it waits", "It waits.", "why?"].map(sentence), ["It waits.", "It waits.", "Why?"]);
});

Deno.test("numberOf() and isoOf() read Extended JSON, and give undefined for what is none", () => {
  assertEquals([5, { $numberLong: "9007199254740993" }, { $numberDouble: "NaN" }, "5", null].map(numberOf), [
    5,
    9007199254740992,
    undefined,
    undefined,
    undefined,
  ]);
  const at = "2026-03-04T05:06:07.000Z";
  const dates = [{ $date: at }, { $date: { $numberLong: String(Date.parse(at)) } }, {
    $date: { $numberLong: "9e99" },
  }, undefined];
  assertEquals(dates.map(isoOf), [at, at, undefined, undefined]);
});
