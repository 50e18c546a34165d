import { assert, assertEquals } from "@std/assert";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "./agent_home.ts";
import type { AgentProcess } from "./agent_process.ts";
import { documentsOf, upTo } from "./documents.ts";
import { TestDatabase } from "./mongod.ts";
import { integerFrom, testRandom } from "./random.ts";
import { waitFor } from "./wait.ts";

const REPLICAS = 4;
/** Between two kills, in milliseconds. */
const MAX_PAUSE_MS = 700;
/** Inserts one document for each that it is given, into a collection without a unique index. */
const MODULE =
  `export default ({ _id }) => ({ writes: [{ collection: "effects", insertOne: { of: _id } }] });`;

/** What a {@linkcode killAtRandom} did. */
export interface Killed {
  readonly kills: number;
  /** Documents that count as what ends its process, as they were alone in two killed agents. */
  readonly blamed: number;
  /** Transactions that the server aborted: those of killed agents, and conflicts. */
  readonly aborted: number;
}

/**
 * Has four replicas process `count` documents, and kills one after the other at random, up to `maxKills` of them. Asserts
 * that each document has exactly one effect.
 */
export async function killAtRandom(count: number, maxKills: number): Promise<Killed> {
  const random = testRandom();
  // The server ends what a killed agent leaves open only after this long.
  const args = ["--setParameter", "transactionLifetimeLimitSeconds=2"];
  await using server = await startMongod({ replicaSet: true, args });
  const database = new TestDatabase(server.uri, "effect_kills");
  await using _client = { [Symbol.asyncDispose]: () => database.client.close() };
  const documents = documentsOf(database);
  await documents.insertMany(upTo(count).map((_id) => ({ _id, status: "pending" })));
  await database.db.createCollection("effects");
  const env = { BATCH_SIZE: "50", LOG_LEVEL: "WARNING" };
  await using home = await agentHome({ db: { uri: server.uri, name: database.name }, module: MODULE, env });
  let started = 0;
  const start = () => home.start({ env: { HEALTH_DIR: `${home.dir}/health${started++}` } });
  const agents: AgentProcess[] = await Promise.all(upTo(REPLICAS).map(start));

  const left = () => documents.countDocuments({ status: { $in: ["pending", "processing"] } });
  let kills = 0;
  for (; kills < maxKills && await left() > 0; kills++) {
    // Not a wait for anything: it decides where the kill hits.
    await new Promise((done) => setTimeout(done, integerFrom(random, 0, MAX_PAUSE_MS)));
    const at = integerFrom(random, 0, REPLICAS - 1);
    await agents[at]!.kill9();
    agents[at] = await start();
  }
  await waitFor("all documents to be settled", async () => await left() === 0, {
    timeoutMs: 240_000,
    everyMs: 200,
  });
  // One that was started just now would end as by any program's SIGTERM.
  for (const agent of agents) await agent.untilListening();
  for (const agent of agents) agent.signal("SIGTERM");
  for (const agent of agents) assertEquals((await agent.exit()).code, 0, agent.output);

  const effects = database.db.collection("effects");
  const repeated = await effects.aggregate([
    { $group: { _id: "$of", n: { $sum: 1 } } },
    { $match: { n: { $ne: 1 } } },
  ]).toArray();
  assertEquals(repeated, [], "documents with two effects");
  const processed = await documents.countDocuments({ status: "processed" });
  assertEquals(await effects.countDocuments(), processed);
  const blamed = await documents.find({ status: "failed" }).toArray();
  for (const { _id, error } of blamed) {
    assert(/ended its process|expired/.test(String(error)), `${_id}: ${error}`);
    assertEquals(await effects.countDocuments({ of: _id }), 0);
  }
  assertEquals(processed + blamed.length, count);
  const { transactions } = await database.client.db("admin").command({ serverStatus: 1 });
  return { kills, blamed: blamed.length, aborted: Number(transactions.totalAborted) };
}
