import { assertEquals } from "@std/assert";
import { readableSteps } from "../../scripts/protocol/trace.ts";

Deno.test("readableSteps() makes one step of a claim that nothing disturbs", () => {
  const trace = [
    "A reads d0, d1 (expired_leases) and sends claim t1",
    "claim t1 takes d0",
    "claim t1 takes d1",
    "claim t1 is answered: 2 of 2 taken",
    "A reads back t1: d0, d1",
    "A starts the handler of d0",
  ];
  assertEquals(readableSteps(trace), [
    "A claims d0, d1 (expired_leases) under t1",
    "A starts the handler of d0",
  ]);
});

Deno.test("readableSteps() leaves a claim as it is if others come between, or if it took less than it asked for", () => {
  const disturbed = [
    "A reads d0 (new_documents) and sends claim t1",
    "B reads d0 (new_documents) and sends claim t2",
    "claim t1 takes d0",
    "claim t1 is answered: 1 of 1 taken",
  ];
  const partly = [
    "A reads d0, d1 (new_documents) and sends claim t1",
    "claim t1 takes d0",
    "claim t1 does not match d1",
    "claim t1 is answered: 1 of 2 taken",
    "A reads back t1: d0",
  ];
  for (const trace of [disturbed, partly]) assertEquals(readableSteps(trace), trace);
});
