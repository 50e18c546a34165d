import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { Guarded } from "../support/guarded.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import { commandsIn, randomText } from "../support/random_text.ts";
import { type AnyDocument, LONG_AGO } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { mend, why } from "../support/why.ts";

const HANGING = `export default async () => { mark("run"); await new Promise(() => {}); };`;

async function json(home: AgentHome, id: string): Promise<AnyDocument> {
  return JSON.parse((await why(home, id, { args: ["--json"] })).stdout);
}

const untilProcessed = (db: TestDatabase, _id: number) =>
  waitFor("it to be processed", () => documentsOf(db).findOne({ _id, status: "processed" }));

Deno.test("why tells which agent holds a document until when, whether that agent is alive, and that another one takes over", async () => {
  await using db = await testDatabase("why lease");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: HANGING,
    env: { AGENT_NAME: "first", PROCESS_TIMEOUT: "60" },
  });
  const agent = await home.startReady();
  await home.untilMarked("run");
  const told = await why(home, "1");
  assertMatch(
    told.stdout,
    /^It is being processed: the agent first holds it\.\n- The agent first holds it under a lease until \S+Z \(in /m,
  );
  assertMatch(
    told.stdout,
    /It is the agent of this HEALTH_DIR, which is alive: its handler runs since \S+Z, attempt 1\. To stop it: pulling-agent cancel 1\.$/m,
  );
  assertMatch(
    told.stdout,
    /^agent +first of this HEALTH_DIR: running, running by \w+, ready, holds 1 documents and runs 1$/m,
  );
  const { agent: here, owner, state } = await json(home, "1");
  assertEquals([here.name, here.alive, owner, state], ["first", true, "first", "leased"]);

  await agent.kill9();
  const dead = await waitFor("the lease to end", async () => {
    const { stdout } = await why(home, "1");
    return /^It will be claimed/m.test(stdout) ? stdout : undefined;
  });
  assertMatch(dead, /takes it over, as its lease has expired, for attempt 1 of 5\.$/m);
  assertMatch(dead, /^agent +no agent uses this HEALTH_DIR/m);
  await using other = await agentHome({ db, module: "export default () => {};" });
  await other.startReady();
  await untilProcessed(db, 1);
});

Deno.test("why tells that the agent here is paused, by whom, and the command that lets it go on", async () => {
  await using db = await testDatabase("why paused");
  await using home = await agentHome({ db, module: "export default () => {};" });
  await home.startReady();
  assertEquals((await home.run("pause")).code, 0);
  await insertPending(db, [1]);
  const { stdout } = await why(home, "1");
  assertMatch(
    stdout,
    /^It will be claimed: [^]*is paused, by signal, since \S+Z, and claims nothing: pulling-agent resume\.$/m,
  );
  assertEquals((await home.run("resume")).code, 0);
  await untilProcessed(db, 1);
});

Deno.test("why --json tells the same as one line of data, also of an id that is not there", async () => {
  await using db = await testDatabase("why json");
  await using home = await agentHome({ db });
  const _pull = { attempts: 2, visible_at: LONG_AGO, saved: { n: 3, data: "x".repeat(100) } };
  await documentsOf(db).insertOne({ _id: 1, status: "Pending", _pull });
  const told = await json(home, "1");
  assertEquals([
    told.id,
    told.found,
    told.claimable,
    told.state,
    told.status,
    told.attempts,
    told.max_attempts,
  ], [
    1,
    true,
    false,
    "stuck",
    '"Pending"',
    2,
    5,
  ]);
  assertEquals([told.obstacles.length, told.obstacles[0].what, told.obstacles[0].mend.tool], [
    1,
    "status",
    "shell",
  ]);
  assertEquals(told.checkpoint.number, 3);
  assertMatch((await why(home, "1")).stdout, /^checkpoint +number 3, 1\d\d bytes$/m);

  const missing = await why(home, "2", { args: ["--json"] });
  assertEquals([missing.code, JSON.parse(missing.stdout).found, missing.stderr], [1, false, ""]);
  assertEquals((await why(home, "2")).code, 1);
});

Deno.test("why refuses to guess, and explains itself", async () => {
  await using db = await testDatabase("why usage");
  await using home = await agentHome({ db });
  for (
    const [args, says] of [
      [["why"], "why needs an ID: use it as pulling-agent why ID [--json]"],
      [["why", "1", "2"], 'why takes no argument "2"'],
      [["why", "1", "--jsn"], "did you mean --json"],
      [["explain", "1"], "did you mean why?"],
      [["whyy", "1"], "did you mean why?"],
    ] as const
  ) {
    const { code, stderr } = await home.run(...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, says);
  }
  assertMatch(
    (await home.run("why", "--help")).stdout,
    /^Usage: pulling-agent why ID \[--json\]\n\nTell why one document is not done/,
  );
  const absent = await home.runWith({ args: ["why", "1"], env: { MONGODB_COLLECTION: "document" } });
  assertEquals(absent.code, 1);
  assertMatch(absent.stderr, /There is no collection document in .*: did you mean documents\?/);
  const refused = await home.runWith({ args: ["why", "1"], env: { FILTER: '{"a": {"$gtt": 1}}' } });
  await insertPending(db, [1]);
  const filtered = await home.runWith({ args: ["why", "1"], env: { FILTER: '{"a": {"$gtt": 1}}' } });
  assertEquals([refused.code, filtered.code], [1, 1]);
  assertMatch(
    filtered.stderr,
    /why failed: MongoDB refuses the query for documents, of which FILTER is a part: .*: mend FILTER/,
  );
});

Deno.test("why names what is out of reach", async () => {
  await using home = await agentHome({ db: { uri: "mongodb://127.0.0.1:1/", name: "none" } });
  const { code, stdout, stderr } = await home.run("why", "1");
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^pulling-agent: why failed: .*127\.0\.0\.1:1/);
});

Deno.test("why needs the right to read alone, and says what it may not see", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("password", "read");
  const shop = guarded.client.db("shop");
  const documents = shop.collection<AnyDocument>("documents");
  await documents.insertMany([{ _id: 1, status: "pending", x: 1 }, { _id: 2, status: "failed" }]);
  await shop.command({ collMod: "documents", validator: { x: 1 } });
  const uri = guarded.uri("password");
  await using home = await agentHome({ db: { uri, name: "shop" } });
  assertMatch((await why(home, "1")).stdout, /^It will be claimed/m);
  // A secondary would tell of a document as it was.
  await using lagging = await agentHome({ db: { uri: `${uri}&readPreference=secondary`, name: "shop" } });
  assertMatch((await why(lagging, "1")).stdout, /^It will be claimed/m);

  const privileges = [{ resource: { db: "shop", collection: "documents" }, actions: ["find"] }];
  await guarded.client.db("admin").command({ createRole: "finder", privileges, roles: [] });
  await guarded.client.db("admin").command({ updateUser: "agent", roles: ["finder"] });
  assertMatch((await why(home, "1")).stdout, /^It will be claimed/m);
  const failed = await why(home, "2");
  assertEquals([failed.code, failed.stderr], [0, ""]);
  assertMatch(failed.stdout, /this user may not read its dead letter in documents_dead_letters/);
  assertEquals((await why(home, "3")).code, 1);
});

Deno.test("why prints nothing that commands a terminal, and no secret, for any document; what it prints mends the document all the same", async () => {
  const random = testRandom(23);
  await using db = await testDatabase("why texts");
  await using home = await agentHome({ db });
  const documents = db.db.collection<AnyDocument>("documents");
  const text = () => randomText(random).toWellFormed().replaceAll("\0", "");
  for (let run = 0; run < 8; run++) {
    const [_id, owner, status] = [`x${text()}`, text(), text()];
    const message = `${text()} at mongodb://me:s3cr3t-Passw0rd@db/`;
    const errors = [{ at: LONG_AGO, attempt: 1, message }];
    await documents.insertOne({
      _id,
      status,
      [text()]: text(),
      error: message,
      _pull: { owner, token: "t", errors },
    });
    const told = await why(home, _id);
    assertEquals(told.code, 0, told.stderr);
    const { stdout } = await why(home, _id, { args: ["--json"] });
    for (const output of [told.stdout, told.stderr, stdout]) {
      assertEquals(output.split("\n").flatMap(commandsIn), [], output);
      assert(!output.includes("s3cr3t"), output);
    }
    await mend(home, db, told);
    assertEquals((await documents.findOne({ _id })).status, "pending", told.stdout);
  }
});
