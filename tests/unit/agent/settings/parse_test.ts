import { assertEquals, assertThrows } from "@std/assert";
import {
  agentName,
  boolean,
  choice,
  collectionName,
  databaseName,
  duration,
  formatDuration,
  integer,
  ipAddress,
  query,
} from "../../../../agent/settings/parse.ts";

const ANY = duration(0, 86_400_000);

for (
  const [text, ms] of [
    ["5", 5000],
    ["0.5", 500],
    [".5", 500],
    ["0", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["2m", 120_000],
    ["1.5m", 90_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["2 m", 120_000],
    ["007", 7000],
    ["0.0004", 0],
    ["1.4ms", 1],
  ] as const
) {
  Deno.test(`duration() takes "${text}" for ${ms} ms`, () => assertEquals(ANY(text), ms));
}

const BAD_DURATIONS = [
  "",
  " ",
  "abc",
  "-1",
  "+5",
  "5x",
  "5 minutes",
  "1.2.3",
  "1,5",
  "1e3",
  "0x10",
  "NaN",
  "Infinity",
  "5.",
  ".",
  "ms",
  "1h30m",
  "５",
  "5S",
];
for (const text of BAD_DURATIONS) {
  Deno.test(`duration() refuses "${text}" and says how one is written`, () => {
    assertThrows(() => ANY(text), Error, "must be a duration from 0 to 1d, in seconds as 5 or with a unit");
  });
}

Deno.test("duration() accepts both edges of its range and nothing beyond", () => {
  const parse = duration(10, 2000);
  assertEquals([parse("10ms"), parse("0.01"), parse("2"), parse("2000ms")], [10, 10, 2000, 2000]);
  for (const text of ["9ms", "9.9ms", "0.009", "2001ms", "2.0001", "1h"]) assertThrows(() => parse(text));
});

Deno.test("formatDuration() writes what duration() reads back", () => {
  const written = [0, 1, 500, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000].map(formatDuration);
  assertEquals(written, ["0", "1ms", "500ms", "1s", "1500ms", "1m", "90s", "1h", "1d"]);
  assertEquals(written.map(ANY), [0, 1, 500, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000]);
});

Deno.test("integer() accepts both edges of its range and nothing beyond", () => {
  const parse = integer(1, 100);
  assertEquals([parse("1"), parse("100"), parse("+7"), parse("007")], [1, 100, 7, 7]);
  for (const text of ["0", "101", "-1", "1.5", "1e1", "", "ten", "0x1", "9".repeat(400)]) {
    assertThrows(() => parse(text), Error, "must be a whole number from 1 to 100");
  }
});

Deno.test("choice() knows its words in any case and returns them as they are declared", () => {
  const parse = choice("DEBUG", "INFO");
  assertEquals([parse("debug"), parse("Info")], ["DEBUG", "INFO"]);
  assertThrows(() => parse("TRACE"), Error, "must be one of DEBUG, INFO");
});

Deno.test("boolean() knows the words people use", () => {
  for (const text of ["true", "TRUE", "yes", "on", "1"]) assertEquals(boolean(text), true, text);
  for (const text of ["false", "False", "no", "off", "0"]) assertEquals(boolean(text), false, text);
  for (const text of ["2", "y", "truee", ""]) {
    assertThrows(() => boolean(text), Error, "must be true or false");
  }
});

Deno.test("databaseName() follows MongoDB's rules on Linux", () => {
  for (const text of ["shop-2_b", "a*b", "a<b>c", "a:b", "a|b", "a?b", "ä", "a".repeat(63)]) {
    assertEquals(databaseName(text), text);
  }
  for (const text of ["a b", "a/b", "a.b", "a$b", 'a"b', "a\\b", "a\0b", "a".repeat(64)]) {
    assertThrows(() => databaseName(text), Error, "must be a database name", text);
  }
  assertThrows(() => databaseName("ä".repeat(32)), Error, "at most 63 bytes");
  for (const text of ["admin", "config", "local"]) {
    assertThrows(() => databaseName(text), Error, "is a database of the server's own");
  }
});

Deno.test("collectionName() follows MongoDB's rules", () => {
  assertEquals(collectionName("orders.new"), "orders.new");
  for (const text of ["a$b", "a\0b", "system.users", "a.system.b", ".a"]) {
    assertThrows(() => collectionName(text), Error, "must be a collection name", text);
  }
});

Deno.test("agentName() takes what may be written on every document, and says how much that is", () => {
  assertEquals(agentName("ä".repeat(128)), "ä".repeat(128));
  assertThrows(() => agentName("ä".repeat(129)), Error, "must be at most 256 bytes");
});

Deno.test("ipAddress() takes addresses of both kinds, in brackets as well, and no names", () => {
  assertEquals(["0.0.0.0", "127.0.0.1", "::", "[::1]"].map(ipAddress), ["0.0.0.0", "127.0.0.1", "::", "::1"]);
  for (const text of ["localhost", "*", "", "256.0.0.1", "1.2.3", "0.0.0.0:9464", "[::"]) {
    assertThrows(() => ipAddress(text), Error, "must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::");
  }
});

Deno.test("Parser.format() writes a value as it is parsed to the same one", () => {
  for (const ms of [0, 1, 500, 1500, 90_000]) assertEquals(ANY(ANY.format(ms)), ms);
  assertEquals(ANY.format(90_000), "90s");
  assertEquals(boolean(boolean.format(false)), false);
  assertEquals(integer(1, 9).format(7), "7");
  assertEquals(query.format('{ "a": 1 }'), '{ "a": 1 }');
});
