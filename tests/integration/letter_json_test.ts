import { assertEquals } from "@std/assert";
import { Long } from "mongodb";
import { letterJson } from "../../agent/store/dead_letters/stored_letter.ts";
import { testDatabase } from "../support/mongod.ts";
import { jobs, openStore } from "../support/store.ts";

Deno.test("Dead letters: a letter is written in Extended JSON that people can read and that rounds no integer", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const large = Long.fromString("-9007199254740993");
  const written = {
    small: 5,
    long: Long.fromInt(6),
    lines: [{ large }],
    text: "7",
    at: new Date(8),
    odd: /a/i,
  };
  await jobs(database).insertOne({ _id: large, status: "pending", ...written });
  await store.deadLetter(await store.takeOne(), "fails");
  const [letter] = await Array.fromAsync((await store.forCommands.letters()).list({ whole: true }));
  const exact = { $numberLong: "-9007199254740993" };
  const { _id, document } = JSON.parse(letterJson(letter!));
  assertEquals([_id, document], [exact, {
    _id: exact,
    status: "failed",
    small: 5,
    long: 6,
    lines: [{ large: exact }],
    text: "7",
    at: { $date: "1970-01-01T00:00:00.008Z" },
    odd: { $regularExpression: { pattern: "a", options: "i" } },
  }]);
});
