import { assert, assertEquals } from "@std/assert";
import { Binary } from "mongodb";
import type { LeasedDocument } from "../../agent/ports.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  expireLeases,
  jobs,
  LETTERS,
  letters,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { type HeldCommand, TcpProxy } from "../support/tcp_proxy.ts";
import { redrive } from "../support/letters_for_commands.ts";

/** The look for a verdict, which a document may have by then. */
const LOOK = { command: "find", collection: COLLECTION, part: '"now"' };

/** A letter that refers to its document is written without a verdict. These are the moments at which its writer freezes. */
const MOMENTS: Record<string, (proxy: TcpProxy) => HeldCommand> = {
  "once the write was refused": (proxy) => proxy.holdAnswer({ command: "update", collection: COLLECTION }),
  "before it looks at the document": (proxy) => proxy.hold(LOOK),
  "once it has looked at the document": (proxy) => proxy.holdAnswer(LOOK),
  "before it writes the letter": (proxy) => proxy.hold({ command: "update", collection: LETTERS }),
};

/** What the letters' commands show: the letters that stand, by their error. */
async function standing(store: TestStore): Promise<unknown[]> {
  const found = await Array.fromAsync((await store.forCommands.letters()).list({ removeStale: true }));
  return found.map(({ _id, error }) => [_id, error]);
}

async function forbid(database: TestDatabase, query: object | undefined, collection = COLLECTION) {
  await database.db.command({ collMod: collection, validator: query ? { $nor: [query] } : {} });
}

async function takeOver(database: TestDatabase, other: TestStore): Promise<LeasedDocument> {
  await expireLeases(jobs(database));
  return await other.takeOne();
}

const MAX_BSON = 16 * 1024 * 1024;
/** Room for no claim. */
const OVERSIZE = { _id: 0, status: "pending", data: new Binary(new Uint8Array(MAX_BSON - 47 - 20)) };

Deno.test("deadLetter(): a verdict that was refused and still arrives late is finished, and its letter is valid (rule 28)", async () => {
  await using setup = await proxiedStore("late references");
  const { database, proxy, store: frozen, other } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await frozen.takeOne();
  await forbid(database, { "_pull.dead_at": { $exists: true } });
  const mark = proxy.hold({ command: "update", collection: COLLECTION, part: '"failed"' });
  const result = frozen.deadLetter(document, "fails");
  await mark.arrived;
  await forbid(database, undefined);
  const [{ dead_at: dated }] = await letters(database).find().toArray();
  const verdict = new Date(dated.getTime() + 1);
  await jobs(database).updateOne({}, { $set: { "_pull.dead_at": verdict, error: "fails" } });
  assertEquals(await standing(other), [], "the reference has another verdict than the document");
  mark.pass();

  assertEquals(await result, 1);
  const [letter] = await letters(database).find().toArray();
  assertEquals([letter.dead_at, letter.document], [verdict, { _id: 0, status: "failed" }]);
  assertEquals(await standing(other), [[0, "fails"]]);
});

/** A held document with room for little more than its claim. */
async function tightlyHeld(
  database: TestDatabase,
  store: TestStore,
): Promise<{ document: LeasedDocument }> {
  const data = new Binary(new Uint8Array(MAX_BSON - 47 - 400));
  await jobs(database).insertOne({ _id: 0, status: "pending", data });
  return { document: await store.takeOne() };
}

for (const [moment, freeze] of Object.entries(MOMENTS)) {
  Deno.test(`deadLetter(): an agent that takes no verdict and freezes ${moment} leaves the letter of the next holder in place`, async () => {
    await using setup = await proxiedStore("late references");
    const { database, proxy, store: frozen, other } = setup;
    await jobs(database).insertMany(pending(1));
    const document = await frozen.takeOne();
    await forbid(database, { "_pull.dead_at": { $exists: true } });
    // The verdict is tried with its error, then without.
    const first = proxy.holdAnswer({ command: "update", collection: COLLECTION });
    const result = frozen.deadLetter(document, "fails for the first");
    await first.arrived;
    const held = freeze(proxy);
    first.pass();
    await held.arrived;
    await forbid(database, undefined);
    assertEquals(await other.deadLetter(await takeOver(database, other), "fails for the next"), 1);
    const [letter] = await letters(database).find().toArray();
    held.pass();

    assertEquals(await result, 0);
    assertEquals(await letters(database).find().toArray(), [letter]);
    assertEquals(await standing(other), [[0, "fails for the next"]]);
    assertEquals((await jobs(database).findOne()).status, "failed");
  });

  Deno.test(`claim(): an agent that cannot claim an oversize document and freezes ${moment} leaves the letter in place that another agent writes once the document is smaller`, async () => {
    await using setup = await proxiedStore("late references");
    const { database, proxy, store: frozen, other } = setup;
    await jobs(database).insertOne(OVERSIZE);
    const held = freeze(proxy);
    const result = frozen.take();
    await held.arrived;
    await jobs(database).updateOne({}, { $set: { data: "small" } });
    assertEquals(await other.deadLetter(await other.takeOne(), "fails for the next"), 1);
    const [letter] = await letters(database).find().toArray();
    held.pass();

    assertEquals((await result).refused.map(({ isDeadLetter }) => isDeadLetter), [false]);
    assertEquals(await letters(database).find().toArray(), [letter]);
    assertEquals(await standing(other), [[0, "fails for the next"]]);
  });
}

Deno.test("claim(): an agent that freezes between the letter and the mark of an oversize document does not mark it once it was redriven", async () => {
  await using setup = await proxiedStore("late references");
  const { database, proxy, store: frozen, other } = setup;
  await jobs(database).insertOne(OVERSIZE);
  const letter = proxy.hold({ command: "update", collection: LETTERS });
  const result = frozen.take();
  await letter.arrived;
  const mark = proxy.hold({ command: "update", collection: COLLECTION });
  letter.pass();
  await mark.arrived;
  await jobs(database).updateOne({}, { $set: { data: "small" } });
  assertEquals(await other.deadLetter(await other.takeOne(), "fails for the next"), 1);
  const box = await other.forCommands.letters();
  const [found] = await Array.fromAsync(box.list({}));
  assert(await redrive(box, found!));
  mark.pass();

  assertEquals((await result).refused.map(({ isDeadLetter }) => isDeadLetter), [false]);
  assertEquals((await jobs(database).findOne()).status, "pending");
});

Deno.test("deadLetter(): a reference that comes late never takes the place of the copy that another holder has made for the same verdict", async () => {
  await using setup = await proxiedStore("late references");
  const { database, proxy, store: frozen, other } = setup;
  await jobs(database).insertMany(pending(1));
  const document = await frozen.takeOne();
  await database.db.createCollection(LETTERS);
  await forbid(database, { by_reference: { $exists: false } }, LETTERS);
  // The server's copy is refused, then the driver's.
  const byDriver = proxy.holdAnswer({ command: "update", collection: LETTERS });
  const result = frozen.deadLetter(document, "fails");
  await byDriver.arrived;
  const reference = proxy.hold({ command: "update", collection: LETTERS });
  byDriver.pass();
  await reference.arrived;
  await forbid(database, undefined, LETTERS);
  assertEquals(await other.finishVerdict(await takeOver(database, other)), 1);
  const [letter] = await letters(database).find().toArray();
  reference.pass();

  assertEquals(await result, 0);
  assertEquals(letter.document, { _id: 0, status: "failed" });
  assertEquals(await letters(database).find().toArray(), [letter]);
});

Deno.test("claim(): a document whose lease has expired and that has no room for another claim is a dead letter by reference", async () => {
  await using setup = await proxiedStore("late references");
  const { database, store: frozen, other } = setup;
  const { document } = await tightlyHeld(database, frozen);
  await using longer = openStore(database, { agentName: "a".repeat(500) });
  assertEquals((await longer.take()).refused, [], "its lease is live");
  await expireLeases(jobs(database));
  const { refused } = await longer.take();

  assertEquals(refused.map(({ isDeadLetter }) => isDeadLetter), [true]);
  assertEquals((await standing(other)).length, 1);
  const { status, _pull } = await jobs(database).findOne({}, { projection: { data: 0 } });
  assertEquals([status, _pull.token, _pull.owner], ["failed", undefined, undefined]);
  assertEquals((await frozen.ack([{ document }])).matched, 0);
});

Deno.test("claim(): the verdict that a frozen holder writes on an oversize document, between its letter and its mark, is finished", async () => {
  await using setup = await proxiedStore("late references");
  const { database, proxy, store: holder, other } = setup;
  const { document } = await tightlyHeld(database, holder);
  await expireLeases(jobs(database));
  await using second = new TcpProxy(database.uri);
  await using longer = openStore({ uri: second.uri, name: database.name }, { agentName: "a".repeat(500) });
  const letter = second.holdAnswer({ command: "update", collection: LETTERS });
  const claim = longer.take();
  await letter.arrived;
  const mark = second.hold({ command: "update", collection: COLLECTION });
  letter.pass();
  await mark.arrived;
  const copy = proxy.hold({ command: "aggregate", collection: COLLECTION });
  const result = holder.deadLetter(document, "fails");
  await copy.arrived;
  mark.pass();

  assertEquals((await claim).refused.map(({ isDeadLetter }) => isDeadLetter), [false]);
  copy.pass();
  assertEquals(await result, 1);
  assertEquals(await standing(other), [[0, "fails"]]);
});

Deno.test("claim(): an oversize document with the verdict of an earlier dead letter gets a valid letter", async () => {
  await using database = await testDatabase("late references");
  await using other = openStore(database);
  const verdict = new Date(5);
  const data = new Binary(new Uint8Array(MAX_BSON - 47 - 20 - 30));
  await jobs(database).insertOne({ _id: 0, status: "pending", data, _pull: { dead_at: verdict } });
  const { refused } = await other.take();
  assertEquals(refused.map(({ isDeadLetter }) => isDeadLetter), [true]);
  assertEquals((await standing(other)).length, 1);
});

Deno.test("claim(): the letter of an oversize document takes the place of one whose verdict was edited away", async () => {
  await using database = await testDatabase("late references");
  await using other = openStore(database);
  await jobs(database).insertOne(OVERSIZE);
  await letters(database).insertOne({ _id: 0, error: "of long ago" });
  await other.take();
  const [letter] = await letters(database).find().toArray();
  assertEquals([letter.by_reference, /too large/.test(letter.error)], [true, true]);
});
