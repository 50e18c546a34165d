import { assert, assertEquals } from "@std/assert";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  expireLeases,
  idsOf,
  jobs,
  letters,
  LONG_AGO,
  openStore,
  pending,
} from "../support/store.ts";
import { expired, OverlapRecorder } from "../support/suspects.ts";
import { waitFor } from "../support/wait.ts";

/** A moment in which something else could start, if it were allowed to. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("Suspects: the first takeover is ordinary, the second finds a suspect, which no batch takes", async () => {
  await using database = await testDatabase("suspects");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(3));
  await store.take();
  await expireLeases(jobs(database));
  assertEquals((await store.take()).documents.length, 3);
  await expireLeases(jobs(database));

  const { documents, hasSuspects } = await store.take();
  assertEquals([documents.length, hasSuspects], [0, true]);
  const suspect = await store.takeSuspect();
  assertEquals([suspect?.id, suspect?.attempt, suspect?.suspect], [0, 1, { expiriesAlone: 0 }]);
  const { _pull } = await jobs(database).findOne({ _id: 0 });
  assertEquals([_pull.attempts, _pull.takeovers, _pull.alone], [1, 2, undefined]);
});

Deno.test("Suspects: one whose lease expired while it was alone counts an attempt, up to MAX_ATTEMPTS", async () => {
  await using database = await testDatabase("suspects");
  for (const [maxAttempts, attempts] of [[5, 2], [1, 1]] as const) {
    await using store = openStore(database, { maxAttempts });
    await jobs(database).deleteMany();
    await jobs(database).insertOne(expired(1, { takeovers: 2, alone: 1 }));
    const suspect = await store.takeSuspect();
    assertEquals([suspect?.attempt, suspect?.suspect], [attempts, { expiriesAlone: 1 }]);
    assertEquals((await jobs(database).findOne())._pull.attempts, attempts);
  }
});

Deno.test("Suspects: one that changes between its read and its claim is left alone", async () => {
  await using database = await testDatabase("suspects");
  await using first = openStore(database);
  await using second = openStore(database);
  await jobs(database).insertOne(expired(1, { takeovers: 1 }));
  const claims = await Promise.all([first.takeSuspect(), second.takeSuspect()]);
  assertEquals(claims.filter((claim) => claim !== undefined).length, 1);
});

Deno.test("Suspects: the mark is written once for a start, and not if the lease is over", async () => {
  await using database = await testDatabase("suspects");
  await using store = openStore(database);
  await jobs(database).insertOne(expired(1, { takeovers: 1 }));
  const suspect = (await store.takeSuspect())!;
  // The answer of the first may have been lost: it is sent again.
  assertEquals([await store.markRunningAlone(suspect), await store.markRunningAlone(suspect)], [1, 1]);
  assertEquals((await jobs(database).findOne())._pull.alone, 1);
  await expireLeases(jobs(database));
  assertEquals(await store.markRunningAlone(suspect), 0);
  await store.takeSuspect();
  assertEquals(await store.markRunningAlone(suspect), 0);
  assertEquals((await jobs(database).findOne())._pull.alone, 1);
});

for (const alone of [0, 1]) {
  Deno.test(`Suspects: a release takes back its own mark and no other (${alone} before), and the suspicion stays`, async () => {
    await using database = await testDatabase("suspects");
    await using store = openStore(database);
    await jobs(database).insertOne(expired(1, { takeovers: 1, alone }));
    const suspect = (await store.takeSuspect())!;
    await store.markRunningAlone(suspect);
    assertEquals((await jobs(database).findOne())._pull.alone, alone + 1);
    assertEquals((await store.release([suspect])).matched, 1);
    const { status, _pull } = await jobs(database).findOne();
    assertEquals([status, _pull.alone, _pull.takeovers], ["pending", alone, 2]);
    assertEquals(idsOf(await store.take()), []);
    assertEquals((await store.takeSuspect())?.suspect, { expiriesAlone: alone });
  });
}

Deno.test("Suspects: a nack clears the suspicion: the next claim is one of many", async () => {
  await using database = await testDatabase("suspects");
  await using store = openStore(database);
  await jobs(database).insertOne(expired(1, { takeovers: 1, alone: 1 }));
  const suspect = (await store.takeSuspect())!;
  await store.markRunningAlone(suspect);
  await store.nack([{ document: suspect, error: "only failed", delayMs: -1000 }]);
  const claim = await store.take();
  assertEquals([idsOf(claim), claim.hasSuspects, claim.documents[0]!.suspect], [[1], false, undefined]);
});

for (const maxAttempts of [1, 2, 3, 5]) {
  Deno.test(`Suspects: two expired leases while alone make a dead letter, one does not, with MAX_ATTEMPTS ${maxAttempts}; no handler runs for it`, async () => {
    await using database = await testDatabase("suspects");
    await using store = openStore(database, { maxAttempts });
    await jobs(database).insertMany([
      expired("poison", { takeovers: 3, alone: 2, attempts: Math.min(2, maxAttempts) }),
      expired("once", { takeovers: 9, alone: 1 }),
      expired("neighbour", { takeovers: 9 }),
      expired("met before", { attempts: maxAttempts }),
    ]);
    const runs: unknown[] = [];
    await using agent = new InProcessAgent(store, ({ _id }) => void runs.push(_id), { maxAttempts });
    const { id, error } = await agent.event("dead_lettered");
    await agent.until("the others to be processed", () => agent.count("processed") === 3);
    assertEquals([id, runs.toSorted()], ["poison", ["met before", "neighbour", "once"]]);
    assert(/ended or froze 2 times/.test(error), error);
    assertEquals((await letters(database).find().toArray()).map(({ _id }) => _id), ["poison"]);
    const { _pull } = await jobs(database).findOne({ _id: "poison" });
    assert(_pull.attempts <= maxAttempts);
  });
}

Deno.test("Suspects run with nothing else in flight, also if there is other work", async () => {
  await using database = await testDatabase("suspects");
  await using store = openStore(database);
  const suspects = Array.from({ length: 8 }, (_, index) => `suspect-${index}`);
  await jobs(database).insertMany([
    ...pending(300),
    ...suspects.map((id, index) => expired(id, { takeovers: 1 + index % 2, alone: index % 2 })),
    ...Array.from({ length: 40 }, (_, index) => expired(`once-${index}`)),
  ]);
  const overlaps = new OverlapRecorder();
  await using agent = new InProcessAgent(store, ({ _id }) => overlaps.run(_id, turn), { batchSize: 20 });
  await agent.until("all to be processed", () => agent.count("processed") === 348);
  for (const id of suspects) assertEquals(overlaps.company.get(id), undefined, id);
  assert(overlaps.company.size > 100, "the others ran together");
  assertEquals(overlaps.runs.length, 348);
});

Deno.test("Suspects: an endless stream of new documents does not keep a suspect waiting, nor suspects the stream", async () => {
  await using database = await testDatabase("suspects");
  await using store = openStore(database);
  const isOver = new AbortController();
  let [next, fresh] = [0, 0];
  const seen: unknown[] = [];
  await jobs(database).insertMany(pending(500));
  next = 500;
  // Each processed document is replaced: the backlog of both kinds never ends.
  await using agent = new InProcessAgent(store, async ({ _id }) => {
    if (isOver.signal.aborted) return;
    if (typeof _id === "number") {
      fresh += 1;
      await jobs(database).insertMany(pending(1, { from: next++ }));
    } else {
      seen.push(_id);
      await jobs(database).insertOne(expired(`suspect-${next++}`, { takeovers: 1 }));
    }
  }, { batchSize: 20, concurrency: 4 });
  await waitFor("the stream to flow", () => fresh > 100);
  await jobs(database).insertOne(expired("suspect", { takeovers: 1 }));
  await waitFor("a suspect to be processed", () => seen.length > 3);
  const before = fresh;
  await waitFor("the stream to flow on beside the suspects", () => fresh > before + 40);
  const many = seen.length;
  await waitFor("suspects to be processed beside the stream", () => seen.length > many);
  isOver.abort();
  assertEquals(agent.all("claim_failed"), []);
});

Deno.test("Suspects: agents that are killed again and again take documents over, and make none of them a dead letter", async () => {
  await using database = await testDatabase("suspects");
  await jobs(database).insertMany(pending(20));
  for (let day = 0; day < 12; day++) {
    await using store = openStore(database, { maxAttempts: 1 });
    // Claims what an agent would, suspects included, and is gone without having started their handlers.
    if ((await store.take(10)).hasSuspects) await store.takeSuspect();
    await expireLeases(jobs(database));
  }
  await using store = openStore(database, { maxAttempts: 1 });
  await using agent = new InProcessAgent(store, () => {}, { maxAttempts: 1 });
  await agent.until("all to be processed", () => agent.count("processed") === 20);
  assertEquals([agent.all("dead_lettered"), await letters(database).countDocuments()], [[], 0]);
});

Deno.test("Suspects: a document whose process another program kills twice while its handler runs alone is a dead letter", async () => {
  await using database = await testDatabase("suspects");
  await using store = openStore(database);
  await jobs(database).insertOne(expired("innocent", { takeovers: 1 }));
  for (const expiriesAlone of [0, 1]) {
    const suspect = (await store.takeSuspect())!;
    assertEquals(suspect.suspect, { expiriesAlone });
    await store.markRunningAlone(suspect);
    await expireLeases(jobs(database));
  }
  assert(
    (await store.take()).documents.concat((await store.takeSuspect()) ?? []).some(({ deadLetterReason }) =>
      deadLetterReason
    ),
  );
});

Deno.test("claimSuspect() claims nothing while a claim without an answer was not read back, which it would forget (rule 3)", async () => {
  await using setup = await proxiedStore("suspects");
  const { database, proxy, store } = setup;
  const retry = { _id: "retry", status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } };
  await jobs(database).insertMany([retry, expired("suspect", { takeovers: 1 }), ...pending(2)]);
  const update = { command: "update", collection: COLLECTION };
  const retryClaim = proxy.hold(update);
  const taking = store.take();
  await retryClaim.arrived;
  const lost = proxy.loseAnswers(update);
  retryClaim.pass();
  const claim = await taking;
  assertEquals([idsOf(claim), claim.hasSuspects, lost.count], [["retry"], true, 1]);

  const early = await store.takeSuspect();
  assertEquals(idsOf(await store.take()), [0, 1]);
  assertEquals(early, undefined);
  assertEquals((await store.takeSuspect())?.id, "suspect");
});
