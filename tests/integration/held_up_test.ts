import { assert, assertEquals, assertMatch } from "@std/assert";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { type AnyDocument, COLLECTION, idsOf, jobs, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { expired } from "../support/suspects.ts";

/** Long enough that no test sees a poll. */
const RARELY = { pollIntervalMs: 600_000 };

/** How people let one document of a customer be processed at a time. */
async function limitCustomers(database: TestDatabase, keys: AnyDocument = { customer: 1 }, options = {}) {
  const partialFilterExpression = { status: "processing" };
  await jobs(database).createIndex(keys, { unique: true, partialFilterExpression, ...options });
}

const of = (customer: unknown, count: number, from = 0) => pending(count, { from, customer });

const INDEXES: Record<string, [keys: AnyDocument, options?: AnyDocument]> = {
  "a field": [{ customer: 1 }],
  "several fields, of which one is within a document": [{ customer: 1, "place.city": 1, status: 1 }],
  "a collation": [{ customer: 1 }, { collation: { locale: "en", strength: 2 } }],
  "the status alone": [{ status: 1 }],
};

for (const [what, [keys, options]] of Object.entries(INDEXES)) {
  Deno.test(`Held up: an agent processes what a unique index on ${what} keeps apart, one by one and without a pause`, async () => {
    await using database = await testDatabase("held up");
    await using store = openStore(database);
    await jobs(database).insertMany([...of("a", 4), ...of("A", 4, 4), ...of("b", 4, 8)]);
    await limitCustomers(database, keys, options);
    const running = new Map<string, number>();
    await using agent = new InProcessAgent(store, async ({ customer }) => {
      const now = (running.get(customer) ?? 0) + 1;
      running.set(customer, now);
      if (now > 1) throw new Error("two of a customer run at once");
      // deno-lint-ignore house/no-fixed-sleep -- a handler that takes a while
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.set(customer, now - 1);
    }, RARELY);
    await agent.until("all to be processed", () => agent.count("processed") === 12);
    for (const type of ["claim_refused", "claim_failed", "retried"] as const) {
      assertEquals(agent.all(type), []);
    }
    assert(agent.all("claims_held_up").length > 0);
    assertEquals(await jobs(database).distinct("_pull.attempts"), [1]);
  });
}

Deno.test("Held up: thousands of documents of a customer who is busy keep no other customer waiting, and cost few round trips", async () => {
  await using setup = await proxiedStore("held up");
  const { database, proxy, store, other } = setup;
  await jobs(database).insertMany(of("busy", 5000));
  await limitCustomers(database);
  assertEquals(idsOf(await other.take(1)), [0]);
  await jobs(database).insertMany(Array.from({ length: 300 }, (_, id) => of(`free-${id}`, 1, 5000 + id)[0]));
  await store.take(0); // What a store looks for only once a second is looked for.

  const claimed: unknown[] = [];
  const commands = await proxy.record(async () => {
    while (claimed.length < 300) claimed.push(...idsOf(await store.take(100)));
  });
  assertEquals(claimed.length, 300);
  const sent = commands.filter(({ collection }) => collection === COLLECTION).map(({ command }) => command);
  assert(sent.length <= 20, `${sent.length} commands: ${sent.join()}`);
  const nothing = await store.take();
  assertEquals([nothing.documents, nothing.refused, nothing.conflicts], [[], [], 0]);
  assert(nothing.heldUp !== undefined);
  assertMatch(String(nothing.heldUp.error), /E11000/);
});

Deno.test("Held up: a document is claimed soon after another agent has settled the one that it waited for", async () => {
  await using database = await testDatabase("held up");
  await using store = openStore(database);
  await using other = openStore(database);
  await jobs(database).insertMany(of("a", 2));
  await limitCustomers(database);
  const { documents } = await other.take(1);
  await using agent = new InProcessAgent(store, () => {}, RARELY);
  await agent.until("the agent to wait", () => agent.all("claims_held_up").length >= 3);
  assertEquals(agent.count("claimed"), 0);
  await other.ack(documents.map((document) => ({ document })));
  await agent.until("the other to be processed", () => agent.count("processed") === 1);
});

Deno.test("Documents of many customers are claimed many at a time, one of each", async () => {
  await using database = await testDatabase("held up");
  await using store = openStore(database);
  const all = Array.from({ length: 400 }, (_, id) => of(`c${id >> 2}`, 1, id)[0]);
  await jobs(database).insertMany(all);
  await limitCustomers(database);
  await using agent = new InProcessAgent(store, () => {}, RARELY, { untilEmpty: true });
  await agent.stopped;
  assertEquals(agent.count("processed"), 400);
  const claims = agent.all("claimed").filter(({ documents }) => documents > 0);
  assert(claims.length < 100, `${claims.length} claims`);
});

Deno.test("Held up: a suspect that waits for another document of its key is claimed once that is settled", async () => {
  await using database = await testDatabase("held up");
  await using store = openStore(database);
  await using other = openStore(database);
  await jobs(database).insertMany(of("a", 1));
  await limitCustomers(database);
  const { documents } = await other.take(1);
  const suspect = expired("suspect", { takeovers: 2, customer: "a" });
  await jobs(database).insertOne({ ...suspect, status: "pending" });
  await using agent = new InProcessAgent(store, () => {}, RARELY, { untilEmpty: true });
  await agent.until("the agent to wait", () => agent.all("claims_held_up").length >= 3);
  await other.ack(documents.map((document) => ({ document })));
  await agent.stopped;
  assertEquals([agent.count("processed"), agent.all("claim_refused")], [1, []]);
});

Deno.test("Held up: a run until nothing is left reports documents that wait for one that no agent holds, and ends", async () => {
  await using database = await testDatabase("held up");
  await using store = openStore(database, { leaseMs: 100 });
  await jobs(database).insertMany([...of("a", 3), { _id: 3, customer: "a", status: "processing" }]);
  await limitCustomers(database);
  await using agent = new InProcessAgent(store, () => {}, RARELY, { untilEmpty: true });
  await agent.stopped;
  const left = agent.all("left_alone").at(-1)!.groups;
  assertEquals(left.map(({ documents, example }) => [documents, example]), [[3, 0]]);
  assertMatch(String(left[0]!.reason), /E11000/);
});

for (const [what, takeovers] of [["An expired lease", 0], ["A suspect", 1]] as const) {
  for (const [index, keys] of [["its key", { customer: 1 }], ["the status alone", { status: 1 }]] as const) {
    Deno.test(`${what} that keeps others of ${index} waiting is taken over, and then the others are claimed`, async () => {
      await using database = await testDatabase("held up");
      await using store = openStore(database);
      await jobs(database).insertMany([
        ...of("a", 3),
        { ...expired("holder", { takeovers }), customer: "a" },
      ]);
      await limitCustomers(database, keys);
      // The others are met first, so that their key is known to be busy.
      await store.take(0);
      await using agent = new InProcessAgent(store, () => {}, RARELY, { untilEmpty: true });
      await agent.stopped;
      assertEquals([agent.count("processed"), agent.all("left_alone").flatMap(({ groups }) => groups)], [
        4,
        [],
      ]);
    });
  }
}

/** Documents that each insert another one of a new customer: an agent always has something to claim. */
async function insertEndless(database: TestDatabase, chains: number) {
  let customers = 0;
  const next = () => ({ status: "pending", customer: `endless ${customers++}`, isEndless: true });
  await jobs(database).insertMany(Array.from({ length: chains }, next));
  return async ({ isEndless }: AnyDocument) => {
    if (isEndless) await jobs(database).insertOne(next());
  };
}

for (const [what, options] of [["", {}], [" with a collation", INDEXES["a collation"]![1]]] as const) {
  Deno.test(`HeldUpWatch reports, in a busy agent, the documents that wait for one that no agent holds, by a unique index${what}`, async () => {
    await using database = await testDatabase("held up");
    await using store = openStore(database, { leaseMs: 100 });
    await using other = openStore(database);
    await jobs(database).insertMany(of("held", 3, 10));
    await limitCustomers(database, { customer: 1 }, options);
    assertEquals((await other.take(1)).documents.length, 1);
    await jobs(database).insertMany([...of("a", 3), { _id: "foreign", customer: "a", status: "processing" }]);
    const handle = await insertEndless(database, 20);
    await using agent = new InProcessAgent(store, handle, { ...RARELY, batchSize: 4, leaseMs: 100 });
    const group = await agent.until(
      "the agent to report all that waits",
      () => agent.all("left_alone").flatMap(({ groups }) => groups).find(({ documents }) => documents === 3),
    );
    assertEquals(group.example, 0);
    assertMatch(String(group.reason), /no agent holds \(_id: foreign\).*E11000/);
    assert(agent.all("claimed").every(({ documents }, at, { length }) => at === length - 1 || documents > 0));
    // An operator mends it.
    await jobs(database).updateOne({ _id: "foreign" }, { $set: { status: "processed" } });
    await waitFor(
      "what waited to be processed",
      async () => await jobs(database).countDocuments({ customer: "a", status: "processed" }) === 4,
    );
    const reported = agent.all("left_alone").flatMap(({ groups }) => groups);
    assert(reported.every(({ reason }) => /foreign/.test(String(reason))), "none of those that are held");
  });
}

Deno.test("HeldUpWatch reports many waits in few groups, and counts every document", async () => {
  await using database = await testDatabase("held up");
  await using store = openStore(database, { leaseMs: 2000 });
  const customers = Array.from({ length: 40 }, (_, id) => id);
  await jobs(database).insertMany(customers.flatMap((customer) => [
    ...of(customer, 2, 2 * customer),
    { _id: `foreign ${customer}`, customer, status: "processing" },
  ]));
  await limitCustomers(database);
  await using agent = new InProcessAgent(store, () => {}, RARELY, { untilEmpty: true });
  await agent.stopped;
  const left = agent.all("left_alone").at(-1)!.groups;
  assertEquals(left.map(({ documents }) => documents), [...Array(10).fill(2), 60]);
  assertMatch(String(left.at(-1)!.reason), /30 documents in processing that no agent holds/);
});

Deno.test("HeldUpWatch.look() costs no round trip until documents have waited for two leases", async () => {
  await using setup = await proxiedStore("held up");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany([...of("a", 3), { _id: "foreign", customer: "a", status: "processing" }]);
  await limitCustomers(database);
  await store.take();
  const commands = await proxy.record(async () => {
    await store.take();
    assertEquals(await store.leftAlone("busy"), undefined);
  });
  const sent = commands.filter(({ collection }) => collection === COLLECTION).map(({ command }) => command);
  assert(!sent.includes("aggregate") && sent.length <= 6, sent.join());
});
