import { assertEquals, assertMatch } from "@std/assert";
import type { Document, MongoClient } from "mongodb";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { FleetDatabase } from "../support/fleet_database.ts";
import { Guarded } from "../support/guarded.ts";
import { GATED } from "../support/modules.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { openStreams } from "../support/open_streams.ts";
import { waitFor } from "../support/wait.ts";

const CALM = { POLL_INTERVAL: "1s", HEARTBEAT_INTERVAL: "1s", LEASE_DURATION: "60" };
const ASKED = ["pause", "--fleet", "--reason", "price service is down", "--by", "jo"];

function homeOf(db: { uri: string; name: string }, name: string, module?: string): Promise<AgentHome> {
  return agentHome({ db, env: { ...CALM, AGENT_NAME: name }, ...(module && { module }) });
}

/** Connections that the server has of the agent with an entry, of all users. */
async function connectionsOf(client: MongoClient, entry: string): Promise<number> {
  const found = await client.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleConnections: true } },
    { $match: { "clientMetadata.platform": { $regex: `\\|agent ${entry.split(" ")[1]}$` } } },
  ]).toArray();
  return found.length;
}

/** How many change streams the server has open on the collection of the agents. */
async function controlStreams(db: TestDatabase): Promise<number> {
  return (await openStreams(db, "documents_agents")).length;
}

Deno.test("pause --fleet reaches an agent that is busy: it has no stream then, and opens one while it rests", async () => {
  await using db = await testDatabase("fleet pause of a busy agent");
  await using home = await agentHome({
    db,
    // The second batch is never done before the pause.
    module: `let count = 0;
      export default async (document, { signal }) => {
        if (++count <= 1200) return;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      };`,
    env: { BATCH_SIZE: "600", CONCURRENCY: "50", LEASE_DURATION: "60", SHUTDOWN_TIMEOUT: "1" },
  });
  await insertPending(db, Array.from({ length: 3000 }, (_, at) => at));
  await home.startReady();
  await waitFor("it to have no stream", async () => await controlStreams(db) === 0);
  const pause = await home.run(...ASKED);
  assertEquals([pause.code, pause.stderr], [0, ""]);
  assertMatch(pause.stdout, /^1 of 1 agent confirmed to be paused/);
  await waitFor("it to have a stream", async () => await controlStreams(db) === 1);
});

Deno.test("pause --fleet reaches all agents, names the one that is frozen and not the one that was killed, and holds for those that start later", async () => {
  await using db = await testDatabase("fleet pause of agents");
  const fleet = new FleetDatabase(db);
  const documents = await insertPending(db, [1]);
  await using a = await homeOf(db, "a", GATED);
  await using b = await homeOf(db, "b");
  await using c = await homeOf(db, "c");
  await a.startReady();
  await a.untilMarked("start 1");
  const [frozen, killed] = [await b.startReady(), await c.startReady()];
  await fleet.untilEntries("three agents", 3, ({ ready }) => ready);

  const pause = await a.run(...ASKED);
  assertEquals([pause.code, pause.stderr], [0, ""]);
  assertMatch(
    pause.stdout,
    /^3 of 3 agents confirmed to be paused, after \d+\.\d s; they hold 1 document, which they finish\n$/,
  );
  await insertPending(db, [2]);
  // It starts later, and none of those that run takes it.
  await using d = await homeOf(db, "d");
  const late = await d.start();
  const { control } = await late.untilStatus("its pause", ({ state }) => state === "paused");
  assertEquals([control.source, control.by, control.reason], ["fleet", "jo", "price service is down"]);
  await Deno.writeTextFile(`${a.marksFile}.go`, "");
  await waitFor("the first", () => documents.findOne({ _id: 1, status: "processed" }));
  assertEquals((await documents.findOne({ _id: 2 }))?.status, "pending");

  const resume = await a.run("resume", "--fleet");
  assertEquals([resume.code, resume.stderr], [0, ""]);
  assertMatch(resume.stdout, /^4 of 4 agents confirmed to be running, after /);
  await waitFor("the second", () => documents.findOne({ _id: 2, status: "processed" }));

  // Both have not beaten for a minute, as far as the registry tells. The server has connections of one of them.
  frozen.signal("SIGSTOP");
  const [{ _id: id }] = (await fleet.entries()).filter(({ name }) => name === "c") as [Document];
  await killed.kill9();
  // The server notices it when the driver's heartbeat ends.
  await waitFor("its connections to go", async () => await connectionsOf(db.client, String(id)) === 0);
  const longAgo = new Date(Date.now() - 60_000);
  await fleet.collection.updateMany({ name: { $in: ["b", "c"] } }, { $set: { seen_at: longAgo } });
  const again = await a.run(...ASKED);
  assertEquals(again.code, 1);
  assertMatch(again.stdout, /^2 of 2 agents confirmed to be paused/);
  assertMatch(
    again.stderr,
    /^pulling-agent: b \(started at \S+Z\) is frozen, or may not write the registry any more; it was seen 1 min( \d+ s)? ago: see its log\. If it writes none, end it with SIGKILL, or delete its pod\n$/,
  );
  const table = await a.run("status", "--fleet");
  assertEquals(table.code, 0);
  assertMatch(table.stdout, / has 4 agents: 2 paused, 1 frozen, 1 dead\n/);
  assertMatch(
    table.stdout,
    /\na +paused .* paused by fleet \(jo\) since \S+ UTC, .*: price service is down\n/,
  );

  // Once it goes on it takes nothing but acts on the request.
  frozen.signal("SIGCONT");
  await frozen.untilStatus(
    "its pause",
    ({ control }) => control.source === "fleet" && control.state === "paused",
  );
  const restarted = await (await c.start()).untilStatus("its pause", ({ state }) => state === "paused");
  assertEquals(restarted.control.source, "fleet");
  await fleet.untilEntries("all to be seen", 5, ({ name, state }) => state === "paused" || name === "c");
  const json = JSON.parse((await a.run("status", "--fleet", "--json")).stdout);
  assertEquals(
    json.agents.map(({ name, presence }: Record<string, string>) => `${name} ${presence}`).toSorted(),
    ["a alive", "b alive", "c alive", "c dead", "d alive"],
  );
});

Deno.test("pause --fleet on a standalone server waits for the next beats, and of a user's own connections tells frozen from dead", async () => {
  await using db = await testDatabase("fleet pause by beats", { standalone: true });
  const fleet = new FleetDatabase(db);
  await using a = await homeOf(db, "a");
  await a.startReady();
  await fleet.untilEntries("the agent", 1, ({ ready }) => ready);
  const pause = await a.run(...ASKED);
  assertEquals([pause.code, pause.stderr], [0, ""]);
  assertMatch(pause.stdout, /^1 of 1 agent confirmed to be paused/);

  await using guarded = await Guarded.start();
  await guarded.makeUser("password");
  const guardedDb = { uri: guarded.uri("password"), name: "shop" };
  const seen = new FleetDatabase({ client: guarded.client, name: "shop" });
  await using alive = await homeOf(guardedDb, "alive");
  await using frozen = await homeOf(guardedDb, "frozen");
  await using killed = await homeOf(guardedDb, "killed");
  await alive.startReady();
  const [stopping, dying] = [await frozen.startReady(), await killed.startReady()];
  const entries = await seen.untilEntries("the agents", 3, ({ ready }) => ready);
  stopping.signal("SIGSTOP");
  await dying.kill9();
  const { _id: id } = entries.find(({ name }) => name === "killed")!;
  await waitFor("its connections to go", async () => await connectionsOf(guarded.client, String(id)) === 0);
  await seen.collection.updateMany({ name: { $in: ["frozen", "killed"] } }, {
    $set: { seen_at: new Date(Date.now() - 60_000) },
  });
  const { stdout } = await alive.run("status", "--fleet");
  assertMatch(stdout, / has 3 agents: 1 running, 1 frozen, 1 dead\n/);
});
