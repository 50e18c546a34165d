import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "../support/agent_home.ts";
import { type AnyDocument, COLLECTION, idsOf, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** A replica set of a primary, a secondary and an arbiter. */
class SetWithArbiter implements AsyncDisposable {
  readonly members: readonly RunningMongod[];
  readonly client: MongoClient;

  private constructor(members: readonly RunningMongod[]) {
    this.members = members;
    this.client = new MongoClient(this.uri, { serverSelectionTimeoutMS: 30_000 });
  }

  static async start(): Promise<SetWithArbiter> {
    const args = ["--replSet", "rs0", "--oplogSize", "64"];
    const members = await Promise.all([0, 1, 2].map(() => startMongod({ args })));
    const set = new SetWithArbiter(members);
    const hosts = members.map(({ port }, _id) => ({
      _id,
      host: `127.0.0.1:${port}`,
      priority: [2, 0, 0][_id],
      arbiterOnly: _id === 2,
    }));
    await using direct = new MongoClient(`mongodb://${hosts[0]!.host}/?directConnection=true`);
    const settings = { electionTimeoutMillis: 1000 };
    await direct.db("admin").command({ replSetInitiate: { _id: "rs0", members: hosts, settings } });
    // Its secondary follows.
    await waitFor(
      "writes that a majority has",
      () =>
        set.documents.insertOne({ done: true }, { writeConcern: { w: "majority", wtimeoutMS: 1000 } })
          .catch(() => undefined),
    );
    return set;
  }

  get uri(): string {
    return `mongodb://${this.members.map(({ port }) => `127.0.0.1:${port}`).join(",")}/?replicaSet=rs0`;
  }

  get documents() {
    return this.client.db("majority").collection("documents");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

Deno.test("run on a set with an arbiter whose secondary is down says that no majority acknowledges writes, and which members lack", async () => {
  await using set = await SetWithArbiter.start();
  const [, secondary, arbiter] = set.members.map(({ port }) => `127.0.0.1:${port}`);
  // A busy majority may take seconds for a write.
  const env = { LEASE_DURATION: "10" };
  await using home = await agentHome({ db: { uri: set.uri, name: "majority" }, env });
  const agent = await home.startReady();
  await set.members[1]!.kill();
  // The driver's monitors notice by themselves.
  const { error } = await waitFor("the cause", async () => {
    await set.documents.insertOne({ status: "pending" }, { writeConcern: { w: 1 } });
    return agent.entries.find(({ error }) => String(error).includes("no majority"));
  });
  assertMatch(
    String(error),
    /^The primary 127\.0\.0\.1:\d+ takes writes, and no majority of the replica set/,
  );
  assertStringIncludes(String(error), `${secondary} does not answer`);
  assertStringIncludes(String(error), `${arbiter} is an arbiter, which holds no data`);
  await home.untilNotReady();
  await agent.untilStatus(
    "the cause in the status",
    (status) => status.last_error?.message.includes("no majority of the replica set") === true,
  );
  await home.assertAlive();

  await set.members[1]!.start();
  await agent.waitFor(
    "all to be processed",
    async () => await set.documents.countDocuments({ status: { $in: ["pending", "processing"] } }) === 0,
  );
  await agent.untilReady();
  assertEquals(await set.documents.countDocuments({ status: "failed" }), 0);
});

Deno.test("claim() and ack() wait for a majority that is slower than their limit, and are confirmed", async () => {
  await using set = await SetWithArbiter.start();
  const collection = set.client.db("slow").collection<AnyDocument>(COLLECTION);
  await collection.insertMany(pending(3), { writeConcern: { w: "majority" } });
  await using store = openStore({ uri: set.uri, name: "slow" });
  await store.connect();
  const [, secondary] = set.members;
  /** Sends a write while the secondary is frozen, which goes on once the write was sent again. */
  const slowly = async <T>(write: () => Promise<T>, isMade: object): Promise<T> => {
    Deno.kill(secondary!.pid, "SIGSTOP");
    try {
      const answer = write();
      answer.catch(() => {});
      await waitFor("the write", async () => await collection.countDocuments(isMade) === 3);
      await waitFor("it to be sent again", async () => {
        const pipeline = [{ $currentOp: {} }, { $match: { "command.update": COLLECTION } }];
        const underWay = await set.client.db("admin").aggregate(pipeline).toArray();
        return underWay.some(({ command }) => command.maxTimeMS !== 1000);
      });
      Deno.kill(secondary!.pid, "SIGCONT");
      return await answer;
    } finally {
      Deno.kill(secondary!.pid, "SIGCONT");
    }
  };
  const claim = await slowly(() => store.take(), { "_pull.attempts": 1 });
  assertEquals(idsOf(claim), [0, 1, 2]);
  const acks = claim.documents.map((document) => ({ document }));
  assertEquals(await slowly(() => store.ack(acks), { status: "processed" }), { matched: 3, missed: [] });
});
