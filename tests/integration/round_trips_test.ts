import { assertEquals } from "@std/assert";
import { checkpoint } from "../contract/checkpoint_cases.ts";
import { testDatabase } from "../support/mongod.ts";
import type { LeasedDocument } from "../../agent/ports.ts";
import { Events } from "../../agent/events.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { prepareStore } from "../../agent/store/prepare_store.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { RecordedLines } from "../support/recorded_lines.ts";
import { waitFor } from "../support/wait.ts";
import { COLLECTION, jobs, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

/** The commands on the collection that a call makes: each is a round trip. */
async function commandsOf(proxy: TcpProxy, work: () => Promise<unknown>): Promise<string[]> {
  const recorded = await proxy.record(work);
  return recorded.filter(({ collection }) => collection === COLLECTION).map(({ command }) => command);
}

Deno.test("Round trips: a batch of new documents that no other agent wants costs three round trips: read, claim, ack", async () => {
  await using setup = await proxiedStore("round trips");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(500));
  await store.take(1); // What a store looks for only once a second is looked for.

  const commands = await commandsOf(proxy, async () => {
    const { documents } = await store.take(100);
    assertEquals(documents.length, 100);
    assertEquals((await store.ack(documents.map((document) => ({ document })))).matched, 100);
  });
  assertEquals(commands, ["find", "update", "update"]);
});

Deno.test("Round trips: writes of a batch to one collection cost two more, in one transaction with the acks", async () => {
  await using setup = await proxiedStore("round trips");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(500));
  await store.take(1);
  const recorded = await proxy.record(async () => {
    const { documents } = await store.take(100);
    const acks = documents.map((document) => ({
      document,
      writes: [{ collection: "invoices", insertOne: { order: document.id } }],
    }));
    assertEquals((await store.ackWithWrites(acks)).matched, 100);
  });
  const commands = recorded.filter(({ command }) => !["hello", "ismaster"].includes(command));
  assertEquals(
    commands.map(({ command, body }) => [command, body.startTransaction ?? false, body.autocommit]),
    [
      ["find", false, undefined],
      ["update", false, undefined],
      ["update", true, false],
      ["insert", false, false],
      ["commitTransaction", false, false],
    ],
  );
  assertEquals(await database.db.collection("invoices").countDocuments(), 100);
});

Deno.test("Round trips: READ_BACK=always costs one more", async () => {
  await using setup = await proxiedStore("round trips", { readBack: "always" });
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(500));
  await store.take(1);
  assertEquals(await commandsOf(proxy, () => store.take(100)), ["find", "update", "find"]);
});

Deno.test("Round trips: a claim that finds nothing costs one read a kind, and no write", async () => {
  await using setup = await proxiedStore("round trips");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(1, { status: "processed" }));
  assertEquals(await commandsOf(proxy, () => store.take(100)), Array(5).fill("find"));
});

Deno.test("Round trips: a start looks for the indexes once", async () => {
  await using database = await testDatabase("round trips");
  await jobs(database).insertMany(pending(1));
  await using before = openStore(database);
  await before.ensureIndexes();
  await using proxy = new TcpProxy(database.uri);
  await using store = openStore({ uri: proxy.uri, name: database.name });
  const output = new RecordedLines();
  const log = new Logger({ level: "DEBUG", format: "text", output });
  const commands = await commandsOf(proxy, async () => {
    const stop = prepareStore(store, { ...SYSTEM, events: new Events(), log, ensureIndexes: true });
    await waitFor("the indexes", () => output.lines.some((line) => line.includes("are there")));
    await store.take(1);
    stop();
  });
  assertEquals(commands.filter((command) => command === "listIndexes"), ["listIndexes"]);
});

Deno.test("Round trips: the checkpoints of all documents are renewed by one write, and released by one more", async () => {
  await using setup = await proxiedStore("round trips");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(60));
  const documents: LeasedDocument[] = [];
  for (let claim = 0; claim < 3; claim++) documents.push(...(await store.take(20)).documents);
  const half = documents.filter((_, at) => at % 2 === 0);
  for (const document of half) checkpoint(document, { page: 1 });
  assertEquals(await commandsOf(proxy, () => store.renew(half)), ["update"]);
  for (const document of half) checkpoint(document, { page: 2 });
  assertEquals(await commandsOf(proxy, () => store.renew(documents)), Array(4).fill("update"));
  for (const document of half) checkpoint(document, { page: 3 });
  assertEquals(await commandsOf(proxy, () => store.release(documents)), Array(4).fill("update"));
  const saved = await jobs(database).find({ "_pull.saved": { n: 3, data: { page: 3 } } }).toArray();
  assertEquals(saved.length, 30);
});

Deno.test("Round trips: a claim of documents with checkpoints costs what each claim of retries costs", async () => {
  await using setup = await proxiedStore("round trips");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(20));
  const [plain, saved] = [(await store.take(10)).documents, (await store.take(10)).documents];
  await store.release(plain);
  assertEquals(await commandsOf(proxy, () => store.take(10)), ["find", "find", "update", "find"]);
  for (const document of saved) checkpoint(document, { page: 1 });
  await store.release(saved);
  assertEquals(await commandsOf(proxy, () => store.take(10)), ["find", "find", "update", "find"]);
});

Deno.test("Round trips: a look for what no claim can take costs three reads, once a minute", async () => {
  await using setup = await proxiedStore("round trips");
  const { proxy, store } = setup;
  assertEquals(await commandsOf(proxy, () => store.leftAlone("idle")), Array(3).fill("find"));
  assertEquals(await commandsOf(proxy, () => store.leftAlone("idle")), []);
  assertEquals(await commandsOf(proxy, () => store.leftAlone("last")), Array(3).fill("find"));
});

Deno.test("Round trips: acks, releases, snoozes alike and renewals take one per claim, nacks, other snoozes and acks with fields one in all", async () => {
  await using setup = await proxiedStore("round trips");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(120));
  const [{ documents: first }, { documents: second }] = [await store.take(60), await store.take(60)];
  const [a, b, c, d, e, f] = [0, 10, 20, 30, 40, 50].map((
    from,
  ) => [...first.slice(from, from + 10), ...second.slice(from, from + 10)]);

  assertEquals(await commandsOf(proxy, () => store.renew([...first, ...second])), ["update", "update"]);
  const nacks = a!.map((document) => ({ document, error: "", delayMs: 0 }));
  assertEquals(await commandsOf(proxy, () => store.nack(nacks)), ["update"]);
  assertEquals(await commandsOf(proxy, () => store.release(b!)), ["update", "update"]);
  const alike = e!.map((document) => ({ document, snoozeMs: 5000 }));
  assertEquals(await commandsOf(proxy, () => store.snooze(alike)), ["update", "update"]);
  const mixed = f!.map((document, position) => ({ document, snoozeMs: 5000 + position }));
  assertEquals(await commandsOf(proxy, () => store.snooze(mixed)), ["update"]);
  const acks = c!.map((document) => ({ document }));
  assertEquals(await commandsOf(proxy, () => store.ack(acks)), ["update", "update"]);
  const results = d!.map((document) => ({ document, set: { n: 1 } }));
  assertEquals(await commandsOf(proxy, () => store.ack(results)), ["update"]);
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 0);
});
