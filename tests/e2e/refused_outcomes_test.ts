import { assertEquals, assertMatch } from "@std/assert";
import type { Document } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { OBEDIENT } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const MARKING = `export default ({ _id }) => { mark("run " + _id); };`;
const FAILING =
  `export default ({ _id }) => { mark("run " + _id); throw new Error("no price for " + _id); };`;
const QUICK = { RETRY_BACKOFF: "0.01", RETRY_BACKOFF_MAX: "0.02", MAX_ATTEMPTS: "3" };

/** The lines of a log with what MongoDB refused. */
function refusals(log: string): Document[] {
  const lines = log.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return lines.filter(({ msg, message }) => /MongoDB refuses the outcome/.test(msg ?? message));
}

Deno.test("Refused outcomes: a unique index on key and status makes the second document of a key a dead letter after MAX_ATTEMPTS, which says why", async () => {
  await using db = await testDatabase("refused acks");
  await using home = await agentHome({ db, module: MARKING, env: QUICK });
  const documents = documentsOf(db);
  await documents.createIndex({ key: 1, status: 1 }, { unique: true });
  await documents.insertOne({ _id: 1, key: "a", status: "processed" });
  await documents.insertOne({ _id: 2, key: "a", status: "pending" });

  const { code, stdout, stderr } = await home.run("run", "--until-empty");
  assertEquals(code, 0);
  assertEquals((await home.marks()).length, 3);
  assertEquals(refusals(stdout + stderr).length, 3);
  const list = await home.run("dead-letters", "list");
  assertMatch(list.stdout, / {2}2 {2}3 attempts {2}MongoDB refused to mark the document processed \(E11000/);
  const { error, status } = (await documents.findOne({ _id: 2 }))!;
  assertEquals(status, "failed");
  assertMatch(String(error), /key_1_status_1.*change the validator or the unique index/);
});

Deno.test("Refused outcomes: with a validator that lets no document wait again, the handler runs once, and its error is in the log, on the document and in its letter", async () => {
  await using db = await testDatabase("refused nacks");
  await using home = await agentHome({ db, module: FAILING, env: QUICK });
  const documents = await insertPending(db, [1, 2]);
  const validator = { $nor: [{ status: "pending", "_pull.attempts": { $gte: 1 } }] };
  await db.db.command({ collMod: "documents", validator });

  const { code, stdout, stderr } = await home.run("run", "--until-empty");
  assertEquals(code, 0);
  assertEquals((await home.marks()).map(({ text }) => text).sort(), ["run 1", "run 2"]);
  const told = refusals(stdout + stderr);
  assertEquals(told.map(({ failure }) => failure).sort().at(0), "no price for 1");
  const both = /^no price for 1 \(and MongoDB refused to set the document back to pending \(Document failed/;
  assertMatch(String((await documents.findOne({ _id: 1 }))!.error), both);
  const shown = await home.run("dead-letters", "show", "1");
  assertMatch(JSON.parse(shown.stdout).error, both);
});

Deno.test("Refused outcomes: a validator that refuses a release: the log names the documents once, the exit status is 1, and an agent takes them over", async () => {
  await using db = await testDatabase("refused releases");
  const documents = await insertPending(db, upTo(3));
  const LEASE_DURATION = "2s";
  await using home = await agentHome({
    db,
    module: OBEDIENT,
    env: { SHUTDOWN_TIMEOUT: "0", LEASE_DURATION },
  });
  const agent = await home.startReady();
  await home.untilMarked("start 3");
  // What was claimed once must not be set back.
  const validator = { $nor: [{ status: "pending", "_pull.visible_at": { $exists: true } }] };
  // Not while the agent's indexes are made.
  await waitFor("the validator", () => db.db.command({ collMod: "documents", validator }));
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 1);
  const { finished, released, abandoned } = await agent.log("Drained");
  assertEquals({ finished, released, abandoned }, { finished: 0, released: 0, abandoned: 3 });
  const lines = agent.entries.filter(({ message }) => /MongoDB refuses to set documents back/.test(message));
  assertEquals(lines.map(({ level, ids }) => [level, (ids as string[]).sort()]), [["ERROR", [
    "1",
    "2",
    "3",
  ]]]);
  assertMatch(String(lines[0]!.error), /Document failed validation/);
  assertEquals(await documents.countDocuments({ status: "processing", "_pull.token": { $exists: true } }), 3);

  await using next = await agentHome({ db, module: MARKING, env: { LEASE_DURATION } });
  const other = await next.startReady();
  await next.untilMarked("run 3");
  await other.untilStatus("all to be processed", ({ counters }) => counters.processed === 3);
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 3);
});
