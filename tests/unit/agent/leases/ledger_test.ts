import { assertEquals } from "@std/assert";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { integerFrom, pick, testRandom } from "../../../support/random.ts";

const NEVER = new AbortController().signal;

function hold(ledger: Ledger, count = 1): Held[] {
  return Array.from({ length: count }, () => ledger.add(fakeDocument()));
}

/** Compares what the ledger counts with what it holds. */
function checkCounts(ledger: Ledger, tokens: string[], inDoubt: ReadonlySet<Held>): void {
  const all = ledger.all();
  const doubted = all.filter((held) => inDoubt.has(held));
  assertEquals(ledger.counts, {
    documents: all.length,
    bytes: all.reduce((sum, { document, resultBytes }) => sum + document.sizeBytes + resultBytes, 0),
    resultBytes: all.reduce((sum, { resultBytes }) => sum + resultBytes, 0),
    waiting: all.filter(({ state }) => state === "waiting").length,
    running: all.filter(({ state }) => state === "running").length,
    doubted: doubted.length,
    doubtedBytes: doubted.reduce((sum, { document }) => sum + document.sizeBytes, 0),
    doubtedResultBytes: doubted.reduce((sum, { resultBytes }) => sum + resultBytes, 0),
  });
  for (const token of tokens) {
    const unfinished = all.filter(({ document, state }) => document.token === token && state !== "settling");
    assertEquals(ledger.unfinishedOf(token), unfinished.length, token);
  }
}

Deno.test("Ledger: counts never drift, for any events in any order", () => {
  const random = testRandom(11);
  const tokens = ["a", "b", "c"];
  for (let run = 0; run < 100; run++) {
    const ledger = new Ledger();
    const known: Held[] = [];
    const inDoubt = new Set<Held>();
    for (let step = 0; step < 60; step++) {
      const action = pick(
        random,
        [
          "add",
          "add",
          "start",
          "weigh",
          "settling",
          "settling",
          "doubt",
          "undoubt",
          "remove",
          "remove",
        ] as const,
      );
      if (action === "add") {
        const sizeBytes = integerFrom(random, 5, 5000);
        known.push(ledger.add(fakeDocument({ token: pick(random, tokens), sizeBytes })));
      } else if (known.length > 0) {
        // Repeats are part of it: a lost lease and the end of a handler may both let go of a document.
        const held = pick(random, known);
        if (action === "doubt") inDoubt.add(held);
        else if (action === "undoubt") inDoubt.delete(held);
        if (action === "weigh") ledger.weigh(held, integerFrom(random, 0, 5000));
        else if (action !== "start") ledger[action](held);
        else if (held.state === "waiting" && ledger.has(held)) ledger.start(held);
      }
      checkCounts(ledger, tokens, inDoubt);
    }
    for (const held of known) ledger.remove(held);
    assertEquals(ledger.counts, {
      documents: 0,
      bytes: 0,
      resultBytes: 0,
      waiting: 0,
      running: 0,
      doubted: 0,
      doubtedBytes: 0,
      doubtedResultBytes: 0,
    });
  }
});

Deno.test("Ledger.all() is a copy, oldest first", () => {
  const ledger = new Ledger();
  const [first, second] = hold(ledger, 2);
  const all = ledger.all();
  assertEquals(all, [first!, second!]);
  ledger.remove(first!);
  assertEquals(all.length, 2);
  assertEquals(ledger.all(), [second!]);
});

Deno.test("Ledger.has() tells what is held from what has left", () => {
  const ledger = new Ledger();
  const [held] = hold(ledger);
  assertEquals(ledger.has(held!), true);
  ledger.remove(held!);
  assertEquals(ledger.has(held!), false);
});

Deno.test("Ledger.nextRemoval() resolves once a document leaves", async () => {
  const ledger = new Ledger();
  const [first, second] = hold(ledger, 2);
  const order: string[] = [];
  const removal = ledger.nextRemoval(NEVER).then(() => order.push("removal"));
  ledger.start(first!);
  ledger.settling(first!);
  await Promise.resolve();
  order.push("settling");
  ledger.remove(second!);
  await removal;
  assertEquals(order, ["settling", "removal"]);
});

Deno.test("Ledger.nextRemoval() resolves when its signal aborts, before or meanwhile", async () => {
  const ledger = new Ledger();
  hold(ledger);
  await ledger.nextRemoval(AbortSignal.abort());
  const controller = new AbortController();
  const removal = ledger.nextRemoval(controller.signal);
  controller.abort();
  await removal;
});

Deno.test("Ledger.empty() resolves at once if nothing is held", async () => {
  await new Ledger().empty(NEVER);
});

Deno.test("Ledger.empty() waits for the last document, not for the first", async () => {
  const ledger = new Ledger();
  const all = hold(ledger, 3);
  const order: string[] = [];
  const empty = ledger.empty(NEVER).then(() => order.push("empty"));
  for (const held of all) {
    // The turns in between are when an early end would show.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    order.push("remove");
    ledger.remove(held);
  }
  await empty;
  assertEquals(order, ["remove", "remove", "remove", "empty"]);
});

Deno.test("Ledger.empty() gives up when its signal aborts", async () => {
  const ledger = new Ledger();
  hold(ledger);
  const controller = new AbortController();
  const empty = ledger.empty(controller.signal);
  controller.abort();
  await empty;
  assertEquals(ledger.counts.documents, 1);
});

Deno.test("Ledger.watch() reports each document that leaves once, after the counts have changed", () => {
  const ledger = new Ledger();
  const all = hold(ledger, 2);
  const left: number[] = [];
  ledger.watch({ documentLeft: () => void left.push(ledger.counts.documents) });
  ledger.remove(all[0]!);
  ledger.remove(all[0]!);
  ledger.remove(all[1]!);
  assertEquals(left, [1, 0]);
});
