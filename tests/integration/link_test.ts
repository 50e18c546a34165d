import { assert, assertEquals, assertRejects } from "@std/assert";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { OperationTimeoutError } from "../../agent/store/connection/operation_timeout.ts";
import { Link } from "../../agent/store/connection/link.ts";
import { ServerClock } from "../../agent/store/connection/server_clock.ts";
import { UnreachableError } from "../../agent/store/connection/unreachable.ts";
import type { UriSource } from "../../agent/store/connection/uri_source.ts";
import { TELLING_CHANGES } from "../../agent/store/changes.ts";
import { WakeStream } from "../../agent/store/wake_stream.ts";
import { Guarded } from "../support/guarded.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { testDatabase } from "../support/mongod.ts";
import { jobs, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** A connection string that a test changes, and how often it was read. */
class Changing implements UriSource {
  uri: string;
  reads = 0;

  constructor(uri: string) {
    this.uri = uri;
  }

  read(): Promise<string> {
    this.reads += 1;
    return Promise.resolve(this.uri);
  }

  onUri(): void {}
}

/** A link whose time passes only when a test says so. */
class TestLink extends Link implements AsyncDisposable {
  readonly clock: ManualClock;
  renewed = 0;

  constructor(uri: string) {
    const clock = new ManualClock();
    super(
      uri,
      { agentName: "agent-under-test", leaseMs: 60_000, serverClock: new ServerClock(clock) },
      clock,
    );
    this.clock = clock;
    this.listen({ onReachable() {}, onRenewed: () => this.renewed += 1, onStale() {} });
  }

  ping(): Promise<unknown> {
    return this.run(() => this.db("shop").command({ count: "documents" }));
  }

  /** Lets time pass until it has connected anew. */
  async untilRenewed(times: number): Promise<void> {
    await waitFor("the link to be renewed", async () => {
      if (this.renewed >= times) return true;
      await this.clock.advance(500);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

Deno.test("Link connects anew in one loop, however often it is refused and renewed", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password-0");
  const source = new Changing(guarded.uri("password-0"));
  await using link = new TestLink(source.uri);
  await link.connect();
  link.follow(source);
  const refused = () => assertRejects(() => link.ping(), UnreachableError);
  for (let round = 1; round <= 4; round++) {
    await guarded.dropUser();
    await refused();
    // A loop that waits between attempts finds the link in order, and a moment later refused again.
    await guarded.makeUser(`password-${round}`);
    source.uri = guarded.uri(`password-${round}`);
    await link.untilRenewed(round);
    await link.ping();
  }
  await guarded.dropUser();
  await refused();
  // One attempt reads the source once: in each pause there is one.
  const before = source.reads;
  for (let pause = 1; pause <= 6; pause++) {
    await link.clock.advance(10_000);
    await waitFor("an attempt", () => source.reads >= before + pause);
  }
  await assertRejects(() => link.connect().then(() => link.ping()), UnreachableError);
  assert(source.reads <= before + 7, `${source.reads - before} attempts in six pauses`);
});

Deno.test("Link sends a query by the client that has taken the place of the one it was made on", async () => {
  await using database = await testDatabase("link");
  await jobs(database).insertMany(pending(3));
  // It never lets anything through, and another takes its place with the first operation.
  await using link = new TestLink(database.uri.replace(/replicaSet=\w+/, "replicaSet=another"));
  link.follow(new Changing(database.uri));
  const collection = link.collection(database.name, "jobs");
  assertEquals((await collection.find({}).toArray()).length, 3);
});

Deno.test("WakeStream moves to the client that takes the place of its own, and that is no end of the stream", async () => {
  await using database = await testDatabase("link");
  const source = new Changing(database.uri);
  await using link = new TestLink(source.uri);
  await link.connect();
  link.follow(source);
  let [hints, ends] = [0, 0];
  const troubles: unknown[] = [];
  const stream = new WakeStream({
    ...SYSTEM,
    db: () => Promise.resolve(link.db(database.name)),
    pipeline: () => TELLING_CHANGES,
    collection: "jobs",
    maxAwaitTimeMS: 1000,
    onHint: () => hints += 1,
    onEnd: () => ends += 1,
    onUnsupported: (reason) => troubles.push(reason),
    onTrouble: (error) => troubles.push(error),
  });
  link.onReplaced(() => stream.reopen());
  stream.start();
  await waitFor("the stream to be open", () => hints === 1);
  source.uri += "&appName=another";
  await link.untilRenewed(1);
  await waitFor("the stream to be open again", () => hints === 2);
  // The replaced client is closed now.
  await link.clock.advance(link.answerLimitMs);
  await jobs(database).insertMany(pending(1));
  await waitFor("a hint of the new stream", () => hints === 3);
  assertEquals([ends, troubles], [0, []]);
  await stream.stop();
});

Deno.test("Link ends a query with an error if the client that it is read from is gone: what is left is not left out", async () => {
  await using database = await testDatabase("link");
  await jobs(database).insertMany(pending(10));
  const source = new Changing(database.uri);
  await using link = new TestLink(source.uri);
  await link.connect();
  link.follow(source);
  const query = link.collection(database.name, "jobs").find({}, { batchSize: 2 });
  let read = 0;
  await assertRejects(
    async () => {
      for await (const _ of query) {
        if (++read > 1) continue;
        source.uri += "&appName=another";
        await link.untilRenewed(1);
        await link.clock.advance(link.answerLimitMs);
        await waitFor("the client to be closed", () => query.killed);
      }
    },
    OperationTimeoutError,
    "was replaced before all",
  );
  assert(read < 10);
});

Deno.test("Link without credentials is refused by a server that asks for them, and makes no new connection for that", async () => {
  await using guarded = await Guarded.start();
  await using link = new TestLink(`mongodb://127.0.0.1:${guarded.server.port}/?replicaSet=rs0`);
  const reachable: boolean[] = [];
  link.listen({ onReachable: (isReachable) => reachable.push(isReachable), onRenewed() {}, onStale() {} });
  for (let time = 0; time < 3; time++) {
    await assertRejects(() => link.ping(), UnreachableError, "MONGODB_URI holds none");
    await link.clock.advance(10_000);
  }
  assertEquals(reachable, []);
});
