import { assert, assertEquals } from "@std/assert";
import { MAX_COUNTED } from "../../agent/events.ts";
import type { BacklogTurn, TurnOfAnother, TurnOfOwn } from "../../agent/fleet/backlog_turn.ts";
import type { AgentReport } from "../../agent/fleet/registry.ts";
import type { MongoFleetRegistry } from "../../agent/store/fleet/mongo_registry.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { SUPPORTED } from "../support/profiles/profiles.ts";
import { SHARDED_6 } from "../support/profiles/sharded.ts";
import { profile } from "../support/profile.ts";
import { type AnyDocument, COLLECTION, openStore, type TestStore } from "../support/store.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

const SEEN = { claimable: 7, oldestMs: 1500, deadLetters: 2 };
const REPORT: AgentReport = {
  state: "running",
  isReady: true,
  trouble: undefined,
  control: { state: "running", source: "start", by: undefined, reason: undefined, since: new Date(1000) },
  controlId: undefined,
  held: 0,
  running: 0,
  counters: {},
  history: undefined,
  lastError: undefined,
};

/** An agent of a store that is in the registry. */
async function joined(store: TestStore): Promise<MongoFleetRegistry> {
  await store.ensureUsable();
  const registry = store.fleetRegistry({
    name: "agent",
    version: "1.2.3",
    commit: "c",
    ensureIndexes: true,
    mode: "document",
    instance: crypto.randomUUID(),
    startedAtMs: 1000,
  });
  assertEquals(await registry.turn(), undefined);
  assert(await registry.report(REPORT));
  return registry;
}

async function ownTurn(registry: MongoFleetRegistry): Promise<TurnOfOwn> {
  const turn = await registry.turn() as BacklogTurn;
  assert(turn.isOwn, JSON.stringify(turn));
  return turn;
}

async function turnOfAnother(registry: MongoFleetRegistry): Promise<TurnOfAnother> {
  const turn = await registry.turn() as BacklogTurn;
  assert(!turn.isOwn, "its own turn");
  return turn;
}

const board = ({ db }: Pick<TestDatabase, "db">) => db.collection<AnyDocument>(`${COLLECTION}_agents`);
const ALL = { _id: { $regex: /^backlog / } };

Deno.test("FleetBacklog: one agent looks, and the others see what it has found, until the next turn is due", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  await using other = openStore(database);
  const [first, second] = [await joined(store), await joined(other)];
  const turn = await ownTurn(first);
  const waiting = await turnOfAnother(second);
  assertEquals(waiting.seen, undefined);
  assert(waiting.againInMs > 10_000 && waiting.againInMs <= 17_000, String(waiting.againInMs));
  await turn.share({ ...SEEN, oldestMs: undefined }, 30_000);
  const { againInMs, seen } = await turnOfAnother(second);
  assertEquals(seen?.backlog, { ...SEEN, oldestMs: undefined });
  assert(seen!.agoMs < 20_000 && againInMs > 25_000 && againInMs <= 32_000, `${seen!.agoMs} ${againInMs}`);
  await turnOfAnother(first);

  // Due: of two that ask at once, one looks.
  await board(database).updateOne(ALL, { $set: { rest_ms: 0 } });
  const turns = await Promise.all([first.turn(), second.turn()]);
  assertEquals(turns.filter((each) => each?.isOwn).length, 1);
  // One that was late changes nothing.
  await turn.share({ ...SEEN, claimable: 1 }, 1);
  assertEquals((await turnOfAnother(first)).seen?.backlog.claimable, SEEN.claimable);
  assertEquals((await store.forCommands.fleet().then(({ reader }) => reader.look())).withoutStatus, []);
});

Deno.test("FleetBacklog: a time that no agent writes, and one of a clock that was set back, keep no agent from its turn", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  const registry = await joined(store);
  await ownTurn(registry);
  for (const rest_ms of [7_200_000, "soon", null, { $date: 1 }, 1e15, -1]) {
    await board(database).updateOne(ALL, { $set: { rest_ms, claimable: "many", at: "now" } });
    await (await ownTurn(registry)).share(SEEN, 30_000);
    assertEquals((await turnOfAnother(registry)).seen?.backlog, SEEN);
  }
});

/** Moves all times of the document, as if the server's clock had been set back by so much since. */
async function setBack(database: Pick<TestDatabase, "db">, ms: number): Promise<void> {
  const document = await board(database).findOne(ALL);
  const moved = ["at", "seen_at"].map((name) => [name, new Date(document![name].getTime() + ms)]);
  await board(database).updateOne(ALL, { $set: Object.fromEntries(moved) });
}

Deno.test("FleetBacklog: a server clock that was set back makes the turn due at once, for one agent", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  await using other = openStore(database);
  const agents = [await joined(store), await joined(other)];
  await (await ownTurn(agents[0]!)).share(SEEN, 30_000);
  for (const minutes of [1, 9, 60]) {
    await setBack(database, minutes * 60_000);
    const turns = await Promise.all(agents.map((agent) => agent.turn())) as BacklogTurn[];
    const own = turns.filter((turn) => turn.isOwn);
    assertEquals(own.length, 1, `${minutes} minutes`);
    // How old that is which was counted before is not known.
    assertEquals(turns.flatMap((turn) => turn.isOwn ? [] : [turn.seen]), [undefined], `${minutes} minutes`);
    await own[0]!.share(SEEN, 30_000);
    assertEquals((await turnOfAnother(agents[0]!)).seen?.backlog, SEEN);
  }
});

Deno.test("FleetBacklog: the turn is due in time also if its agent has not noticed yet that the server's clock was set back", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  const { clock, setAhead } = shiftedClock();
  await using store = openStore(database, { clock });
  await using other = openStore(database);
  const [behind, knowing] = [await joined(store), await joined(other)];
  // What this agent knows is five minutes ahead of the server's clock by now, as if that had been set back.
  setAhead(300_000);
  await (await ownTurn(behind)).share(SEEN, 30_000);
  const { againInMs } = await turnOfAnother(knowing);
  assert(againInMs <= 30_000, `${againInMs}`);
});

Deno.test("FleetBacklog tells how long ago was counted, to the tenth of a second", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  const registry = await joined(store);
  await (await ownTurn(registry)).share(SEEN, 30_000);
  const { seen } = await turnOfAnother(registry);
  const { at } = (await board(database).findOne(ALL))!;
  const { localTime } = await database.db.admin().command({ hello: 1 });
  assert(seen!.agoMs <= localTime.getTime() - at.getTime() + 100, `${seen!.agoMs} ms`);
});

Deno.test("FleetBacklog keeps ten minutes of counts, so that the agent that looks next goes on with them", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  await using other = openStore(database);
  const fleet = await store.forCommands.fleet();
  const claimable = async () => (await fleet.reader.look()).backlog.map(({ claimable }) => claimable);
  assertEquals(await claimable(), []);
  const [first, second] = [await joined(store), await joined(other)];
  await (await ownTurn(first)).share({ ...SEEN, claimable: 3 }, 1);
  await (await ownTurn(first)).share({ ...SEEN, claimable: undefined }, 1);
  await (await ownTurn(first)).share({ ...SEEN, claimable: 4 }, 1);
  await first.leave();
  await (await ownTurn(second)).share({ ...SEEN, claimable: 5 }, 1);
  assertEquals(await claimable(), [3, 4, 5]);
  await (await ownTurn(second)).share({ ...SEEN, claimable: MAX_COUNTED }, 1);
  const capped = (await fleet.reader.look()).backlog.map(({ capped }) => capped);
  assertEquals(capped, [false, false, false, true]);
  const { at } = (await fleet.reader.look()).backlog.at(-1)!;
  assert(Math.abs(at.getTime() - Date.now()) < 60_000, String(at));
  assertEquals((await fleet.reader.look({ isBrief: true })).backlog, []);
  // What agents with another FILTER count is another backlog.
  await using filtered = openStore(database, { filter: '{"kind": "order"}' });
  assertEquals((await (await filtered.forCommands.fleet()).reader.look()).backlog, []);

  const old = Array.from(
    { length: 500 },
    (_, n) => ({ at: new Date(Date.now() - 900_000 + n), claimable: n }),
  );
  const many = Array.from({ length: 500 }, (_, n) => ({ at: new Date(Date.now() - 1000 + n), claimable: n }));
  const strange = [null, 7, { at: "now", claimable: 1 }, { at: new Date(), claimable: "many" }];
  await board(database).updateOne(ALL, { $set: { counts: [...old, ...many, ...strange] } });
  await (await ownTurn(second)).share({ ...SEEN, claimable: 6 }, 30_000);
  const { counts } = (await board(database).findOne(ALL))!;
  assertEquals([counts.length, counts.at(-2).claimable, counts.at(-1).claimable], [37, 499, 6]);
  await board(database).updateOne(ALL, { $set: { counts: "none" } });
  assertEquals(await claimable(), []);
});

Deno.test("FleetBacklog: agents with another FILTER, or another collection of letters, count by themselves", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using plain = openStore(database);
  await using filtered = openStore(database, { filter: '{"kind": "order"}' });
  await using same = openStore(database, { filter: '{ "kind":"order" }' });
  await (await ownTurn(await joined(plain))).share(SEEN, 30_000);
  await (await ownTurn(await joined(filtered))).share({ ...SEEN, claimable: 3 }, 30_000);
  assertEquals((await turnOfAnother(await joined(same))).seen?.backlog.claimable, 3);
  assertEquals(await board(database).countDocuments(ALL), 2);
});

Deno.test("FleetBacklog: a turn costs three round trips beside the look, and to see that of another one, each by _id", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  const registry = await joined(store);
  await (await ownTurn(registry)).share(SEEN, 1);
  const own = await profile(database, async () => (await ownTurn(registry)).share(SEEN, 30_000));
  const others = await profile(database, () => turnOfAnother(registry));
  assertEquals([own.length, others.length], [3, 1]);
  for (const { docsExamined = 0, planSummary } of [...own, ...others]) {
    assert(docsExamined <= 1 && /^(IDHACK|EXPRESS|IXSCAN \{ _id: 1 \})/.test(planSummary ?? ""), planSummary);
  }
});

Deno.test("FLEET: the filter of docs/servers.md leaves what agents write out of a change stream of the database", async () => {
  await using database = await testDatabase("fleet backlog");
  await database.db.createCollection(COLLECTION);
  await using store = openStore(database);
  await using all = database.db.watch();
  await using filtered = database.db.watch([{ $match: { "ns.coll": { $ne: `${COLLECTION}_agents` } } }]);
  // A stream begins with its first question.
  assertEquals([await all.tryNext(), await filtered.tryNext()], [null, null]);
  await (await ownTurn(await joined(store))).share(SEEN, 30_000);
  await database.db.collection(COLLECTION).insertOne({ status: "pending" });
  const first = async (stream: typeof all) => ((await stream.next()) as AnyDocument).ns.coll;
  assertEquals([await first(all), await first(filtered)], [`${COLLECTION}_agents`, COLLECTION]);
});

// A collection that a cluster makes by itself is not sharded, as the profile of a sharded one has all of them.
for (const server of SUPPORTED.filter((each) => each !== SHARDED_6)) {
  Deno.test(`FleetBacklog works on ${server.name}, as its profile has it`, async () => {
    await using running = new ProfileServer(server);
    await using real = running.database();
    await real.db.createCollection(COLLECTION);
    await using store = openStore({
      uri: `${running.uri}${running.uri.includes("?") ? "&" : "?"}retryWrites=false`,
      name: real.name,
    });
    const [first, second] = [await joined(store), await joined(store)];
    await (await ownTurn(first)).share(SEEN, 30_000);
    assertEquals((await turnOfAnother(second)).seen?.backlog, SEEN);
  });
}
