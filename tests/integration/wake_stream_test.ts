import { assertEquals } from "@std/assert";
import type { WakeStream } from "../../agent/store/wake_stream.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { openStreams } from "../support/open_streams.ts";
import { jobs, openStore, pending, type TestStore } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const HOUR_MS = 3_600_000;

/** An agent that polls once an hour and listens to a stream, as `run` wires them. */
class Listening implements AsyncDisposable {
  readonly agent: InProcessAgent;
  readonly stream: WakeStream;
  readonly unsupported: string[] = [];
  readonly runs: unknown[] = [];
  readonly troubles: unknown[] = [];
  hints = 0;

  readonly #store: TestStore;

  constructor(store: TestStore) {
    this.#store = store;
    this.agent = new InProcessAgent(store, ({ _id }) => void this.runs.push(_id), {
      pollIntervalMs: HOUR_MS,
    });
    this.stream = store.streams.wake({
      onHint: () => {
        this.hints += 1;
        this.agent.agent.wake();
      },
      onUnsupported: (reason) => this.unsupported.push(reason),
      onTrouble: (error) => this.troubles.push(error),
    });
    this.stream.start();
  }

  async untilRun(id: unknown): Promise<void> {
    await waitFor(`${id} to be processed`, () => this.runs.includes(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.stream.stop();
    await this.#store.close();
  }
}

async function listening(store: TestStore): Promise<Listening> {
  const setup = new Listening(store);
  // The hint that says that the stream is open now.
  await waitFor("the stream to be open", () => setup.hints > 0 || setup.unsupported.length > 0);
  return setup;
}

function streams(database: TestDatabase) {
  return openStreams(database, "jobs");
}

Deno.test("WakeStream: a document that is inserted, or set back to pending, while the agent is idle is processed at once", async () => {
  await using database = await testDatabase("wake stream");
  await using setup = await listening(openStore(database));
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  await setup.untilRun(1);
  await jobs(database).insertOne({ _id: 2, status: "failed" });
  await jobs(database).updateOne({ _id: 2 }, { $set: { status: "pending" } });
  await setup.untilRun(2);
  await jobs(database).insertOne({ _id: 3, status: "new" });
  await jobs(database).replaceOne({ _id: 3 }, { status: "pending" });
  await setup.untilRun(3);
});

Deno.test("WakeStream: changes that make nothing claimable give no hint: an ack, another status", async () => {
  await using database = await testDatabase("wake stream");
  await using setup = await listening(openStore(database));
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  await setup.untilRun(1);
  await setup.agent.until("the ack", () => setup.agent.count("processed") === 1);
  const before = setup.hints;
  await jobs(database).insertOne({ _id: 2, status: "failed" });
  await jobs(database).deleteOne({ _id: 2 });
  await jobs(database).insertOne({ _id: 3, status: "pending" });
  await setup.untilRun(3);
  assertEquals(setup.hints, before + 1);
});

Deno.test("WakeStream is opened again after its cursor was killed, and after an error of its next read", async () => {
  await using database = await testDatabase("wake stream");
  await using setup = await listening(openStore(database));
  const [cursor] = await waitFor("the cursor", async () => {
    const found = await streams(database);
    return found.length > 0 ? found : undefined;
  });
  await database.db.command({ killCursors: "jobs", cursors: [cursor] });
  await waitFor(
    "another cursor",
    async () => (await streams(database)).some((each) => !each.equals(cursor!)),
  );
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  await setup.untilRun(1);

  const admin = database.client.db("admin");
  const data = { failCommands: ["getMore"], errorCode: 286, namespace: `${database.name}.jobs` };
  await admin.command({ configureFailPoint: "failCommand", mode: { times: 1 }, data });
  try {
    // A change that cannot be read: the stream's history is lost, it starts anew at "now".
    await jobs(database).insertOne({ _id: 2, status: "pending" });
    await setup.untilRun(2);
    await jobs(database).insertOne({ _id: 3, status: "pending" });
    await setup.untilRun(3);
  } finally {
    await admin.command({ configureFailPoint: "failCommand", mode: "off" });
  }
});

Deno.test("WakeStream: a burst suspends it, and the loop wakes it when there is nothing left to do", async () => {
  await using database = await testDatabase("wake stream");
  await using setup = await listening(openStore(database));
  await jobs(database).insertMany(pending(4000));
  await setup.agent.until("the burst to be processed", () => setup.agent.count("processed") === 4000);
  // The stream sleeps until the loop is idle.
  const asleep = setup.hints;
  setup.stream.loopIdle();
  await waitFor("the stream to be open again", () => setup.hints > asleep);
  await jobs(database).insertOne({ _id: "after", status: "pending" });
  await setup.untilRun("after");
});

Deno.test("WakeStream: while one claim follows the other the server follows no changes, and follows them again as soon as the loop is idle", async () => {
  await using database = await testDatabase("wake stream");
  const store = openStore(database);
  let hints = 0;
  const troubles: unknown[] = [];
  const stream = store.streams.wake({
    onHint: () => hints += 1,
    onUnsupported: () => {},
    onTrouble: (error) => troubles.push(error),
  });
  try {
    // Busy before it is open: it must not be left open by that.
    stream.claimed(2000);
    stream.start();
    stream.loopIdle();
    await waitFor("the stream to be open", () => hints > 0);
    for (let n = 1; n <= 8; n++) {
      stream.claimed(600);
      stream.claimed(600);
      if (n % 2 === 0) {
        // The server notices that it need not wait for changes any more when there is one.
        await jobs(database).insertOne({ _id: -n, status: "failed" });
        await waitFor("no stream to be left", async () => (await streams(database)).length === 0);
      }
      const asleep = hints;
      stream.loopIdle();
      await waitFor("the stream to be open again", () => hints > asleep);
      const before = hints;
      await jobs(database).insertOne({ _id: n, status: "pending" });
      await waitFor("a hint", () => hints > before);
    }
    // Between two waits for changes the server knows of none.
    await waitFor("one stream to be left", async () => (await streams(database)).length === 1);
    assertEquals(troubles, []);
  } finally {
    await stream.stop();
    await store.close();
  }
});

Deno.test("WakeStream stays open during a few claims between two idle moments", async () => {
  await using database = await testDatabase("wake stream");
  await using setup = await listening(openStore(database));
  const [cursor] = await waitFor("the cursor", async () => {
    const found = await streams(database);
    return found.length > 0 ? found : undefined;
  });
  for (let n = 0; n < 50; n++) {
    setup.stream.claimed(10);
    setup.stream.loopIdle();
  }
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  await setup.untilRun(1);
  const left = await waitFor("a cursor", async () => {
    const found = await streams(database);
    return found.length > 0 ? found : undefined;
  });
  assertEquals(left, [cursor]);
});

Deno.test("WakeStream: a server without change streams is reported once, and polling goes on", async () => {
  await using database = await testDatabase("wake stream", { standalone: true });
  await using setup = await listening(openStore(database));
  assertEquals(setup.unsupported.length, 1);
  await jobs(database).insertOne({ _id: 1, status: "pending" });
  setup.agent.agent.wake();
  await setup.untilRun(1);
  assertEquals(setup.unsupported.length, 1);
});

Deno.test("WakeStream that is stopped while it is being opened, open or suspended leaves nothing running, and no cursor that was open", async () => {
  await using database = await testDatabase("wake stream");
  for (const when of ["at once", "open", "asleep"]) {
    const store = openStore(database);
    let isOpen = false;
    const onHint = () => isOpen = true;
    const stream = store.streams.wake({ onHint, onUnsupported: () => {}, onTrouble: () => {} });
    stream.start();
    if (when !== "at once") await waitFor("it to be open", () => isOpen);
    if (when === "asleep") await jobs(database).insertMany(pending(300));
    await stream.stop();
    await store.close();
    // A cursor that is killed while it answers may outlive that until the server tidies up.
    if (when === "open") {
      await waitFor("no cursor to be left", async () => (await streams(database)).length === 0);
    }
  }
});
