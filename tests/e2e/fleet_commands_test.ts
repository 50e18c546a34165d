import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertEntry } from "../support/fleet_entries.ts";
import { Guarded } from "../support/guarded.ts";
import { DOCUMENTS, type TestDatabase, testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const AGENTS = `${DOCUMENTS}_agents`;
const ASKED = ["--reason", "price service is down", "--by", "ops"];

function entriesOf({ db }: TestDatabase) {
  return db.collection<AnyDocument>(AGENTS);
}

/** The next request, once it is written. */
async function request(db: TestDatabase, last?: string): Promise<AnyDocument> {
  return await waitFor("the request", async () => {
    const found = await entriesOf(db).findOne({ _id: "control" });
    return found && found.id !== last ? found : undefined;
  });
}

/** Lets agents of some names act on the next request, as agents do. */
async function confirm(
  db: TestDatabase,
  names: readonly string[],
  fields: AnyDocument = { _id: 0 },
): Promise<void> {
  const { _id, ...rest } = fields;
  const { id } = await request(db);
  await entriesOf(db).updateMany({ name: { $in: [...names] } }, { $set: { control_id: id, ...rest } });
}

function run(home: AgentHome, line: string, ...more: string[]) {
  return home.run(...line.split(" "), ...more);
}

Deno.test("status --fleet shows each agent with what an operator has to know of it, and exits with 1 if none is alive", async () => {
  await using db = await testDatabase("fleet status");
  await using home = await agentHome({ db });
  const none = await run(home, "status --fleet");
  assertEquals([none.code, none.stdout, none.stderr], [
    1,
    `The fleet of ${db.name}.documents has no agents\n`,
    "",
  ]);
  const since = new Date(Date.now() - 3_700_000);
  const asked = { state: "paused", by: "ops", reason: "price\x1b[2J service", id: "c1" };
  await insertEntry(db, AGENTS, {
    name: "first",
    held: 12,
    running: 4,
    history: {
      until: since,
      processed: [9, 1, 1, 1, 1, 1, 1],
      retried: [],
      dead_lettered: [],
      pick_up_ms: [],
    },
  });
  await insertEntry(db, AGENTS, {
    name: "second\x1b[31m",
    ageMs: 1000,
    control: { ...asked, source: "fleet", since },
    state: "paused",
  });
  await insertEntry(db, AGENTS, { name: "third", ageMs: 900, silentMs: 90_000 });
  await insertEntry(db, AGENTS, { name: "fourth", ageMs: 800, ready: false, trouble: "claims fail" });
  await insertEntry(db, AGENTS, { name: "old", version: "0.9.0", ageMs: 700, state: null });
  await entriesOf(db).insertOne({ _id: "control", registry: "pulling-agent", ...asked, at: since });
  const { code, stdout, stderr } = await run(home, "status --fleet");
  assertEquals([code, stderr], [0, ""]);
  const clock = since.toISOString().slice(11, 19);
  const [first, wanted, , head, ...rows] = stdout.split("\n");
  assertEquals(first, `The fleet of ${db.name}.documents has 4 agents: 2 running, 1 paused, 1 dead`);
  assertEquals(
    wanted,
    `The operators want it to be paused, by ops since ${clock} UTC, 1 h 1 min ago: price [2J service`,
  );
  assertMatch(head!, /^AGENT +STATE +HELD +RUNNING +LAST MINUTE +SEEN +VERSION +NOTE$/);
  assertMatch(rows[0]!, /^first +running +12 +4 +6 +\S.* +1\.2\.3$/);
  assertMatch(
    rows[1]!,
    /^second \[31m +paused +0 +0 +0 .* paused by fleet \(ops\) since \S+ UTC, 1 h 1 min ago: price \[2J service$/,
  );
  assertMatch(rows[2]!, /^third +dead +0 +0 +0 +1 min 3\d s ago/);
  assertMatch(rows[3]!, /^fourth +running .* not ready: claims fail$/);
  assertEquals(
    rows[4],
    "old (version 0.9.0) shows no status: it is of an earlier version, or has FLEET=off",
  );
  const json = JSON.parse((await run(home, "status --fleet --json")).stdout);
  assertEquals(json.control, { ...asked, reason: "price [2J service", at: since.toISOString() });
  assertEquals(json.agents.map((each: AnyDocument) => [each.name, each.presence, each.state, each.held]), [
    ["first", "alive", "running", 12],
    ["second\x1b[31m", "alive", "paused", 0],
    ["third", "dead", "running", 0],
    ["fourth", "alive", "running", 0],
  ]);
  assertEquals([json.without_status[0].name, json.unregistered], ["old", []]);
});

Deno.test("pause --fleet waits for all that are alive, and resume --fleet warns of those that a file had paused", async () => {
  await using db = await testDatabase("fleet pause");
  await using home = await agentHome({ db, env: { AGENT_NAME: "laptop", USER: "ops" } });
  const early = await run(home, "pause --fleet", "--reason", "nothing runs");
  assertEquals([early.code, early.stdout, early.stderr], [
    0,
    "No agent is alive: those that start are paused\n",
    "",
  ]);
  assertEquals((await request(db)).by, "ops@laptop");
  await insertEntry(db, AGENTS, { name: "first", held: 3 });
  await insertEntry(db, AGENTS, { name: "second", held: 2, state: "draining" });
  await insertEntry(db, AGENTS, { name: "killed", silentMs: 90_000 });
  await entriesOf(db).deleteOne({ _id: "control" });
  const paused = { _id: 0, control: { state: "paused", source: "fleet", by: "ops" } };
  const [pause] = await Promise.all([
    run(home, "pause --fleet", ...ASKED),
    confirm(db, ["first", "second"], paused),
  ]);
  assertEquals([pause.code, pause.stderr], [0, ""]);
  assertMatch(
    pause.stdout,
    /^2 of 2 agents confirmed to be paused, after \d\.\d s; they hold 5 documents, which they finish\n$/,
  );
  const { at: _, id, ...asked } = await request(db);
  assertEquals(asked, {
    _id: "control",
    registry: "pulling-agent",
    state: "paused",
    by: "ops",
    reason: "price service is down",
  });
  await entriesOf(db).updateOne({ name: "first" }, {
    $set: { control: { state: "paused", source: "file" } },
  });
  const running = { _id: 0, control: { state: "running", source: "fleet" } };
  const resuming = run(home, "resume --fleet");
  await request(db, id);
  const [resume] = await Promise.all([resuming, confirm(db, ["first", "second"], running)]);
  assertEquals(resume.code, 0);
  assertMatch(resume.stdout, /^2 of 2 agents confirmed to be running, after \d\.\d s\n$/);
  assertEquals(
    resume.stderr,
    "pulling-agent: A control file had paused first: it pauses them again when they start anew. Write resume into it; " +
      "in Kubernetes: make k8s-resume\n",
  );
});

Deno.test("pause --fleet names each agent that may go on: silent, of an earlier version, not in the registry, changed since", async () => {
  await using db = await testDatabase("fleet unconfirmed");
  await using home = await agentHome({ db });
  await db.db.collection(DOCUMENTS).createIndex({ status: 1, "_pull.visible_at": 1, _id: 1 });
  // Another user's connections cannot be told: so it is on a server that does not answer the question.
  await db.db.admin().command({
    configureFailPoint: "failCommand",
    mode: "alwaysOn",
    data: { failCommands: ["aggregate"], namespace: "admin.$cmd.aggregate", errorCode: 13 },
  });
  try {
    await insertEntry(db, AGENTS, { name: "silent", silentMs: 90_000 });
    await insertEntry(db, AGENTS, { name: "old", version: "0.9.0", state: null });
    await insertEntry(db, AGENTS, { name: "resumed", ageMs: 1000 });
    await db.db.collection<AnyDocument>(DOCUMENTS).insertOne({
      _id: 1,
      status: "processing",
      _pull: { token: "t", owner: "stranger", visible_at: new Date(Date.now() + 60_000) },
    });
    const [{ code, stderr, stdout }] = await Promise.all([
      run(home, "pause --fleet", ...ASKED),
      confirm(db, ["resumed"], { _id: 0, control: { state: "running", source: "signal" } }),
    ]);
    assertEquals(code, 1);
    assertMatch(stdout, /^1 of 1 agent confirmed /);
    const lines = stderr.trimEnd().split("\n");
    assertEquals(lines.length, 4);
    assertMatch(
      lines[0]!,
      /^pulling-agent: silent \(started at \S+Z\) is silent; it was seen 1 min 3\d s ago: it was killed, /,
    );
    assertMatch(
      lines[1]!,
      /^pulling-agent: resumed \(started at \S+Z\) is running by signal, as the latest change wins/,
    );
    assertMatch(lines[2]!, /^pulling-agent: old \(version 0\.9\.0\) takes no orders of the fleet, /);
    assertMatch(lines[3]!, /^pulling-agent: stranger holds documents and is not in the registry, /);
  } finally {
    await db.db.admin().command({ configureFailPoint: "failCommand", mode: "off" });
  }
});

Deno.test("pause --fleet reports that a later request has overruled it, and Ctrl-C leaves the request in force", async () => {
  await using db = await testDatabase("fleet overruled");
  await using home = await agentHome({ db });
  await insertEntry(db, AGENTS, { name: "slow" });
  const first = run(home, "pause --fleet", ...ASKED);
  const { id } = await request(db);
  const second = home.start({ args: ["resume", "--fleet", "--by", "another"] });
  const overruled = await first;
  assertEquals(overruled.code, 1);
  assertMatch(
    overruled.stderr,
    /^pulling-agent: Another operator has asked for something else meanwhile: the fleet is to be running, by another since /,
  );
  await request(db, id);
  const waiting = await second;
  waiting.signal("SIGINT");
  assertEquals((await waiting.exit()).code, 130);
  assertStringIncludes(
    waiting.stderr,
    "1 agent had not confirmed yet. It is written that the fleet is running, and it stays so until",
  );
  assertEquals((await request(db, id)).by, "another");
});

Deno.test("pause --fleet and resume refuse a line or a text that cannot be meant, and write nothing", async () => {
  await using db = await testDatabase("fleet lines");
  await using home = await agentHome({ db });
  for (
    const [line, said] of [
      [["pause", "--fleet"], "pause --fleet needs a reason: give --reason TEXT, which each agent shows"],
      [["pause", "--reason", "x"], "pause --reason goes with --fleet: add --fleet, or leave --reason out"],
      [["resume", "--by", "x"], "resume --by goes with --fleet: add --fleet, or leave --by out"],
      [
        ["pause", "--fleet", "--reason", "x".repeat(10_240)],
        "The reason has 10240 characters: give at most 1000",
      ],
      [["pause", "--fleet", "--reason", "\n"], "The reason is blank: say it in a few words"],
      [["status", "--fleet", "--watch"], "--watch and --fleet exclude each other: give one of them"],
    ] as const
  ) {
    const { code, stderr } = await home.run(...line);
    assertEquals([code, stderr], [2, `pulling-agent: ${said}\n`]);
  }
  assertEquals(await entriesOf(db).countDocuments(), 0);
});

Deno.test("status --fleet needs the right to read, pause --fleet that to write, and each names what is missing in one sentence", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password", "read");
  await guarded.insert("one");
  await using home = await agentHome({ db: { uri: guarded.uri("password"), name: "shop" } });
  const status = await run(home, "status --fleet");
  assertEquals([status.code, status.stdout, status.stderr], [
    1,
    "The fleet of shop.documents has no agents\n",
    "",
  ]);
  const pause = await run(home, "pause --fleet", ...ASKED);
  assertEquals([pause.code, pause.stdout, pause.stderr], [
    1,
    "",
    "pulling-agent: The user may not write the registry of the agents: grant it find, insert and update on " +
    "shop.documents_agents\n",
  ]);
});
