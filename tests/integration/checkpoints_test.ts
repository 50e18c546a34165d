import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { LeaseLostError } from "../../agent/errors.ts";
import type { ProcessorContext } from "../../agent/processors/processor.ts";
import { checkpoint } from "../contract/checkpoint_cases.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  expireLeases,
  idsOf,
  jobs,
  letters,
  makeDue,
  openStore,
  pending,
} from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { redrive } from "../support/letters_for_commands.ts";

const UPDATE = { command: "update", collection: COLLECTION };

Deno.test("checkpoint(): the late write of an agent that was frozen leaves that of the next holder (rule 38)", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await using other = openStore(database);
  await jobs(database).insertMany(pending(1));
  const frozen = await store.takeOne();
  for (const page of [1, 2, 3]) checkpoint(frozen, { page });
  await expireLeases(jobs(database));
  const next = await other.takeOne();
  checkpoint(next, { page: 1, by: "the next holder" });
  await other.renew([next]);
  const before = await jobs(database).findOne();
  assertEquals(before._pull.saved, { n: 1, data: { page: 1, by: "the next holder" } });

  assertEquals(idsOf(await store.renew([frozen])), [0]);
  await store.release([frozen]);
  await store.snooze([{ document: frozen, snoozeMs: 0 }]);
  await store.nack([{ document: frozen, error: "late", delayMs: 0 }]);
  assertEquals(await jobs(database).findOne(), before);
});

Deno.test("checkpoint(): a write that is applied late leaves a newer checkpoint of the same run (rule 39)", async () => {
  await using setup = await proxiedStore("checkpoints");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  checkpoint(document, "first");
  const late = proxy.hold(UPDATE);
  const held = store.renew([document]);
  await late.arrived;
  checkpoint(document, "second");
  await store.renew([document]);
  late.pass();
  await held;
  assertEquals((await jobs(database).findOne())._pull.saved, { n: 2, data: "second" });
});

Deno.test("checkpoint(): a claim that read its candidates before gets the checkpoint that another agent left since (rule 41)", async () => {
  await using setup = await proxiedStore("checkpoints");
  const { database, other, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  const first = await other.takeOne();
  checkpoint(first, "old");
  await other.nack([{ document: first, error: "it broke", delayMs: 0 }]);
  const claim = proxy.hold(UPDATE);
  const late = store.take();
  await claim.arrived; // It has read the document with the old checkpoint.
  const second = await other.takeOne();
  checkpoint(second, "new");
  await other.nack([{ document: second, error: "it broke", delayMs: 0 }]);
  claim.pass();
  const [third] = (await late).documents;
  assertEquals([third!.attempt, third!.saved], [3, { n: 2, data: "new" }]);
});

Deno.test("checkpoint(): a document that a redrive starts over has none; failed, it kept it, and its letter has it (rule 43)", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  const document = await store.takeOne();
  checkpoint(document, { page: 3 });
  await store.renew([document]);
  await store.deadLetter(document, "no");
  assertEquals((await jobs(database).findOne())._pull.saved, { n: 1, data: { page: 3 } });
  assertEquals((await letters(database).findOne()).saved, { page: 3 });
  const box = await store.forCommands.letters();
  for await (const letter of box.list({ limit: 1 })) await redrive(box, letter);
  assertEquals((await jobs(database).findOne())._pull.saved, undefined);
  assertEquals((await store.takeOne()).saved, undefined);
});

Deno.test("checkpoint(): the letter of a document without one has no field for it", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await store.deadLetter(await store.takeOne(), "no");
  assert(!("saved" in await letters(database).findOne()));
});

for (const saved of ["page 3", null, 7, { page: 3 }, { n: "one", data: 1 }, { n: NaN, data: 1 }, []]) {
  Deno.test(`checkpoint(): a user's ${JSON.stringify(saved)} in its place keeps no document from its run`, async () => {
    await using database = await testDatabase("checkpoints");
    await using store = openStore(database);
    await jobs(database).insertMany(pending(1, { _pull: { saved } }));
    const document = await store.takeOne();
    assertEquals(document.saved, undefined);
    checkpoint(document, 1);
    assertEquals(await store.renew([document]), []);
    assertEquals((await store.ack([{ document }])).matched, 1);
    assertEquals((await jobs(database).findOne())._pull, { attempts: 1 });
  });
}

Deno.test("checkpoint(): a user who removes _pull while a document runs starts it over at its beginning", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  const seen: unknown[] = [];
  await using agent = new InProcessAgent(store, async (_, { checkpoint, saved }) => {
    seen.push(saved);
    if (seen.length > 1) return;
    await checkpoint(1);
    await jobs(database).updateOne({}, { $set: { status: "pending" }, $unset: { _pull: "" } });
    await checkpoint(2);
  });
  await agent.event("lease_lost");
  await agent.until("it to be processed", () => agent.count("processed") === 1);
  assertEquals(seen, [undefined, undefined]);
});

Deno.test("checkpoint(): its promise tells that MongoDB has it, and that the lease is lost", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  const seen: unknown[] = [];
  await using agent = new InProcessAgent(store, async (_, { checkpoint }) => {
    await checkpoint({ page: 1 });
    seen.push((await jobs(database).findOne())._pull.saved);
    await jobs(database).updateOne({}, { $set: { "_pull.token": "by force" } });
    seen.push(await checkpoint({ page: 2 }).catch((error) => error));
  });
  await agent.event("lease_lost");
  await waitFor("the handler to go on", () => seen.length === 2);
  assertEquals(seen[0], { n: 1, data: { page: 1 } });
  assertInstanceOf(seen[1], LeaseLostError);
  assertEquals((await jobs(database).findOne())._pull.saved, { n: 1, data: { page: 1 } });
});

Deno.test("checkpoint(): runs that fail, one after the other, go on from where the last one came to", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(3));
  const pages: number[] = [];
  const process = ({ _id }: { _id?: number }, { checkpoint, saved }: ProcessorContext) => {
    const page = (saved as { page: number } | undefined)?.page ?? 0;
    if (_id === 0) pages.push(page);
    if (page === 3) return { set: { page } };
    // It is not awaited: the nack brings it.
    checkpoint({ page: page + 1 });
    throw new Error("it broke");
  };
  await using agent = new InProcessAgent(store, process);
  await agent.until("all to be processed", () => agent.count("processed") === 3);
  assertEquals([pages, await jobs(database).distinct("page")], [[0, 1, 2, 3], [3]]);
  assertEquals(await jobs(database).distinct("_pull"), [{ attempts: 4 }]);
});

Deno.test("checkpoint(): an agent that is forced to stop leaves the last checkpoint of each run, for the next agent", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(4));
  let runs = 0;
  const agent = new InProcessAgent(store, async ({ _id }, { checkpoint, signal }) => {
    await checkpoint("an old one");
    runs += 1;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    // What it says in its last moment counts, too.
    checkpoint(`up to ${_id}`);
    await new Promise(() => {});
  });
  await waitFor("all to have saved", () => runs === 4);
  agent.agent.force("the test says so");
  assertEquals((await agent.stopped).released, 4);

  const seen: unknown[] = [];
  await using next = new InProcessAgent(
    store,
    ({ _id }, { attempt, saved }) => void seen.push([_id, attempt, saved]),
  );
  await next.until("all to be processed", () => next.count("processed") === 4);
  assertEquals(seen.toSorted(), [0, 1, 2, 3].map((id) => [id, 1, `up to ${id}`]));
});

Deno.test("checkpoint(): one whose answer is lost is written again", async () => {
  await using setup = await proxiedStore("checkpoints", { leaseMs: 3000 });
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1));
  await using agent = new InProcessAgent(store, async (_, { checkpoint }) => {
    // The driver itself sends it once more.
    proxy.loseAnswers(UPDATE, 2);
    await checkpoint({ page: 1 });
    return { set: { saved: (await jobs(database).findOne())._pull.saved } };
  }, { leaseMs: 3000 });
  await agent.until("it to be processed", () => agent.count("processed") === 1);
  assertEquals(agent.all("renew_failed").length, 1);
  assertEquals((await jobs(database).findOne()).saved, { n: 1, data: { page: 1 } });
});

Deno.test("checkpoint(): a suspect goes on from its checkpoint, alone", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  for (const run of [1, 2]) {
    const document = await store.takeOne();
    checkpoint(document, { run });
    await store.renew([document]);
    await expireLeases(jobs(database));
  }
  assertEquals(idsOf(await store.take()), []);
  const suspect = (await store.takeSuspect())!;
  assertEquals([suspect.saved, suspect.suspect], [{ n: 2, data: { run: 2 } }, { expiriesAlone: 0 }]);
  checkpoint(suspect, { run: 3 });
  await store.release([suspect]);
  await makeDue(jobs(database));
  assertEquals((await store.takeSuspect())!.saved, { n: 3, data: { run: 3 } });
});

Deno.test("checkpoint(): an ack that the database refuses leads to a failure that brings the checkpoint", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  await database.db.command({ collMod: COLLECTION, validator: { status: { $ne: "processed" } } });
  await using agent = new InProcessAgent(store, (_, { checkpoint }) => {
    checkpoint({ page: 9 });
  }, { maxAttempts: 2, retryBackoffMs: 60_000, retryBackoffMaxMs: 60_000 });
  await agent.event("retried");
  assertEquals((await jobs(database).findOne())._pull.saved, { n: 1, data: { page: 9 } });
});

Deno.test("checkpoint(): a wrong value fails the run with its place, and a caught error does not", async () => {
  await using database = await testDatabase("checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  await using agent = new InProcessAgent(store, async ({ _id }, { checkpoint }) => {
    if (_id === 0) return checkpoint({ pages: [() => {}] });
    await assertRejects(async () => await checkpoint("x".repeat(20_000)), Error, "larger than 16 KiB");
  });
  await agent.until(
    "both to be settled",
    () => agent.count("processed") + agent.all("dead_lettered").length === 2,
  );
  const { error } = await jobs(database).findOne({ _id: 0 });
  assertEquals(error, "Cannot write the checkpoint: data.pages[0] is a function, which cannot be written");
});
