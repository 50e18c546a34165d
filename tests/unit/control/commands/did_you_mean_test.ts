import { assertEquals } from "@std/assert";
import { nearest } from "../../../../control/commands/did_you_mean.ts";

const KNOWN = ["run", "pause", "resume", "status", "health", "dead-letters", "check"];

for (
  const [given, meant] of [
    ["status", "status"],
    ["STATUS", "status"],
    ["--status", "status"],
    ["statu", "status"],
    ["sttaus", "status"],
    ["pasue", "pause"],
    ["rn", "run"],
    ["rnu", "run"],
    ["DeadLetters", "dead-letters"],
    ["dead", "dead-letters"],
    ["res", "resume"],
    ["start", "run"],
    ["p", undefined],
    ["", undefined],
    ["xy", undefined],
    ["frobnicate", undefined],
    ["constructor", undefined],
    ["ru-np-ause", undefined],
  ] as const
) {
  Deno.test(`nearest() takes ${JSON.stringify(given)} for ${meant ?? "nothing that it knows"}`, () => {
    assertEquals(nearest(given, KNOWN, { start: "run", gone: "nowhere" }), meant);
  });
}

Deno.test("nearest() names only known words, for any synonym", () => {
  assertEquals(nearest("gone", KNOWN, { gone: "nowhere" }), undefined);
});
