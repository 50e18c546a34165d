import { assert, assertEquals, assertMatch } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

const FAILING =
  `export default ({ _id }) => { throw Object.assign(new Error("no " + _id), { permanent: true }); };`;

/** A home whose agent has made dead letters of `count` documents. */
async function homeWithLetters(db: TestDatabase, count: number): Promise<AgentHome> {
  await insertPending(db, upTo(count));
  const home = await agentHome({ db, module: FAILING });
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "failed" }), count);
  return home;
}

const lettersLeft = (db: TestDatabase) => db.db.collection("documents_dead_letters").countDocuments();

Deno.test("dead-letters list, show, redrive and purge do what they say, to those that are meant", async () => {
  await using db = await testDatabase("dead letters command");
  await using home = await homeWithLetters(db, 5);
  const run = (...args: string[]) => home.run("dead-letters", ...args);

  const list = await run("list");
  assertEquals([list.code, list.stderr], [0, "5 dead letters\n"]);
  assertEquals(list.stdout.trimEnd().split("\n").length, 5);
  assertMatch(list.stdout, /^\d{4}-\d\d-\d\dT\S+Z {2}\d {2}1 attempt {2}no \d$/m);
  const json = (await run("list", "--json", "--limit", "2")).stdout.trimEnd().split("\n");
  assertEquals(json.map((line) => Object.keys(JSON.parse(line)).includes("document")), [true, true]);

  const shown = await run("show", "3");
  assertEquals([shown.code, JSON.parse(shown.stdout).document], [0, { _id: 3, status: "failed" }]);
  const missing = await run("show", "33");
  assertEquals([missing.code, missing.stdout, missing.stderr], [
    1,
    "",
    'There is no dead letter with the id "33"\n',
  ]);

  const dry = await run("redrive", "--all", "--dry-run");
  assertEquals([dry.code, dry.stderr], [0, "5 letters are selected\n5 would be redriven\n"]);
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 0);
  assertEquals((await run("redrive", "--id", "3")).stderr, "1 redriven\n");
  assertEquals(
    (await run("redrive", "--filter", '{"_id": {"$gt": 3}}', "--limit", "1")).stderr,
    "2 letters are selected\n1 redriven\n",
  );
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 2);
  assertEquals(
    (await run("purge", "--filter", '{"_id": {"$lt": 3}}', "--dry-run")).stderr,
    "2 letters are selected\n2 would be purged\n",
  );
  assertEquals((await run("purge", "--all")).stderr, "3 letters are selected\n3 purged\n");
  assertEquals([(await run("list")).stderr, await lettersLeft(db)], ["0 dead letters\n", 0]);
  assertEquals(await documentsOf(db).countDocuments({ status: "failed" }), 3);
});

Deno.test("Dead letters: redriven documents are processed by an agent that runs, and those that fail again get a new letter", async () => {
  await using db = await testDatabase("dead letters again");
  await using home = await homeWithLetters(db, 3);
  assertEquals((await home.run("dead-letters", "redrive", "--all")).code, 0);
  assertEquals(await lettersLeft(db), 0);
  await home.write(
    "processor.js",
    `export default ({ _id }) => { if (_id === 2) throw new Error("again"); };`,
  );
  const settings = { MAX_ATTEMPTS: "2" };
  assertEquals((await home.runWith({ args: ["run", "--until-empty"], env: settings })).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 2);
  assertMatch((await home.run("dead-letters", "list")).stdout, /^\S+ {2}2 {2}2 attempts {2}again\n$/);
});

Deno.test("dead-letters takes several ids, and names those that do not exist", async () => {
  await using db = await testDatabase("dead letters ids");
  await using home = await homeWithLetters(db, 4);
  const run = (...args: string[]) => home.run("dead-letters", ...args);
  const none = (id: string) => `There is no dead letter with the id "${id}"\n`;

  const listed = await run("list", "--id", "1", "--id", '{"$numberInt":"1"}', "--id", "9");
  assertEquals([listed.code, listed.stdout.split("\n").length, listed.stderr], [
    1,
    2,
    `${none("9")}1 dead letter\n`,
  ]);
  const dry = await run("redrive", "--id", "nosuch", "--dry-run");
  assertEquals([dry.code, dry.stdout, dry.stderr], [1, "", `${none("nosuch")}0 would be redriven\n`]);
  const redriven = await run("redrive", "--id", "1", "--id", '{"$numberInt":"1"}', "--id=-5", "--id", "3");
  assertEquals([redriven.code, redriven.stderr], [1, `${none("-5")}2 redriven\n`]);
  const purged = await run("purge", "--id", "2", "--id", "4", "--limit", "1");
  assertEquals([purged.code, purged.stderr], [0, "1 purged\n"]);
  assertEquals(await lettersLeft(db), 1);
  const left = (await documentsOf(db).find({ status: "pending" }).toArray()).map(({ _id }) => _id);
  assertEquals(left.toSorted(), [1, 3]);
});

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`dead-letters ends with the batch under way on ${signal}, and says how far it came`, async () => {
    await using db = await testDatabase("dead letters interrupted");
    await using proxy = new TcpProxy(db.uri);
    await using home = await agentHome({ db: { uri: proxy.uri, name: db.name } });
    const deadAt = new Date(1000);
    await documentsOf(db).insertMany(
      upTo(350).map((_id) => ({ _id, status: "failed", _pull: { attempts: 1, dead_at: deadAt } as never })),
    );
    await db.db.collection<{ _id: number; dead_at: Date }>("documents_dead_letters").insertMany(
      upTo(350).map((_id) => ({ _id, dead_at: deadAt })),
    );
    const update = proxy.hold({ command: "update", collection: "documents" });
    const command = await home.start({ args: ["dead-letters", "redrive", "--all"] });
    await update.arrived;
    command.signal(signal);
    await waitFor("the signal to be noticed", () => command.stderr.includes(signal));
    update.pass();
    assertEquals((await command.exit()).code, status);
    assertEquals(
      command.stderr,
      `350 letters are selected\n${signal}: stopping after what is under way\n` +
        `200 of 350 redriven before ${signal}: there may be more\n`,
    );
    assertEquals([await documentsOf(db).countDocuments({ status: "pending" }), await lettersLeft(db)], [
      200,
      150,
    ]);
  });
}

Deno.test("dead-letters refuses to guess which letters are meant, and prints its usage", async () => {
  await using db = await testDatabase("dead letters usage");
  await using home = await agentHome({ db });
  for (
    const [args, says] of [
      [["redrive"], "dead-letters redrive needs to know which: give --id ID, --filter JSON or --all"],
      [["purge"], "dead-letters purge needs to know which: give --id ID, --filter JSON or --all"],
      [["redrive", "--all", "--id", "1"], "--id, --filter and --all exclude each other: give one of them"],
      [["list", "--limit", "0"], '--limit is "0": must be a whole number from 1'],
      [["list", "--filter", "{"], "--filter is not Extended JSON"],
      [["list", "--filter", "[]"], "--filter must be a query: an object in Extended JSON"],
      [["redrive", "--filter", "7"], "--filter must be a query"],
      [["purge", "--filter", "null"], "--filter must be a query"],
      [["list", "--filter", '"x"'], "--filter must be a query"],
      [["list", "--filter", '{"$oid":"0123456789abcdef01234567"}'], "--filter must be a query"],
      [["show", "7", "--all"], "dead-letters show knows no --all"],
      [["list", "--dry-run"], "dead-letters list knows no --dry-run"],
      [["list", "--newest"], "dead-letters list knows no --newest"],
      [["summary", "--limit", "3"], "dead-letters summary knows no --limit"],
      [["redrive", "--id", "-5"], "--id needs a value (one that starts with a dash as --id=-5)"],
      [["show"], "dead-letters show needs an ID"],
      [[], "dead-letters needs one of list, show, summary, redrive, purge"],
    ] as const
  ) {
    const { code, stdout, stderr } = await home.run("dead-letters", ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assert(stderr.startsWith(`pulling-agent: ${says}`), stderr);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  }
});

Deno.test("without a database dead-letters says so in one sentence, without credentials", async () => {
  await using home = await agentHome({
    db: { uri: "mongodb://user:s3cret-word@127.0.0.1:9/", name: "none" },
  });
  const { code, stdout, stderr } = await home.run("dead-letters", "list");
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^pulling-agent: dead-letters list failed: Nothing listens at 127.0.0.1:9 [^\n]+\n$/);
  assert(!stderr.includes("s3cret-word") && !stderr.includes("    at "), stderr);
});

Deno.test("without a login that MongoDB takes, dead-letters says so in one sentence, without credentials", async () => {
  await using db = await testDatabase("dead letters login");
  const uri = db.uri.replace("mongodb://", "mongodb://user:s3cret-word@");
  await using home = await agentHome({ db: { uri, name: db.name } });
  const { code, stdout, stderr } = await home.run("dead-letters", "list");
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    /^pulling-agent: dead-letters list failed: MongoDB at [^\n]+ refuses the user or the password [^\n]+\n$/,
  );
  assert(!stderr.includes("s3cret-word") && !stderr.includes("    at "), stderr);
});

Deno.test("without permission dead-letters says so in one sentence", async () => {
  await using db = await testDatabase("dead letters permission");
  await using home = await agentHome({ db, env: { AGENT_NAME: db.name } });
  const configureFailPoint = "failCommand";
  const admin = db.client.db("admin");
  const data = { errorCode: 13, failCommands: ["aggregate"], appName: `pulling-agent/${db.name}` };
  await admin.command({ configureFailPoint, mode: "alwaysOn", data });
  try {
    const { code, stdout, stderr } = await home.run("dead-letters", "list");
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^pulling-agent: dead-letters list failed: [^\n]+\n$/);
  } finally {
    await admin.command({ configureFailPoint, mode: "off" });
  }
});

Deno.test("Dead letters: a long command reports its progress", async () => {
  await using db = await testDatabase("dead letters progress");
  await using home = await homeWithLetters(db, 3);
  const configureFailPoint = "failCommand";
  const admin = db.client.db("admin");
  const appName = `pulling-agent/${db.name}`;
  const data = { failCommands: ["delete"], blockConnection: true, blockTimeMS: 2500, appName };
  await admin.command({ configureFailPoint, mode: "alwaysOn", data });
  try {
    const { code, stderr } = await home.runWith({
      args: ["dead-letters", "purge", "--all"],
      // An agent with this lease waits for an answer for a second. A command holds no leases.
      env: { AGENT_NAME: db.name, LEASE_DURATION: "2" },
    });
    assertEquals([code, stderr], [0, "3 letters are selected\n3 of 3 purged so far\n3 purged\n"]);
  } finally {
    await admin.command({ configureFailPoint, mode: "off" });
  }
});

Deno.test("dead-letters leaves the letters of other collections alone, and says so; a dry run removes nothing", async () => {
  await using db = await testDatabase("dead letters shared");
  await using home = await homeWithLetters(db, 3);
  await db.db.createCollection("elsewhere");
  const elsewhere = { MONGODB_COLLECTION: "elsewhere", DEAD_LETTER_COLLECTION: "documents_dead_letters" };
  const others = "every collection needs a DEAD_LETTER_COLLECTION of its own\n";
  for (
    const [args, says] of [
      [
        ["redrive", "--all", "--dry-run"],
        `0 letters are selected\n0 would be redriven\n3 letters of other collections are left alone: ${others}`,
      ],
      [["list"], `0 dead letters\n3 letters of other collections are left alone: ${others}`],
      [
        ["purge", "--all"],
        `0 letters are selected\n0 purged\n3 letters of other collections are left alone: ${others}`,
      ],
      [
        ["purge", "--filter", '{"_id": 2}'],
        `0 letters are selected\n0 purged\n1 letter of another collection is left alone: ${others}`,
      ],
    ] as const
  ) {
    const { code, stdout, stderr } = await home.runWith({ args: ["dead-letters", ...args], env: elsewhere });
    assertEquals([code, stdout, stderr], [0, "", says]);
  }
  assertEquals(await lettersLeft(db), 3);

  // The letter is stale now.
  await documentsOf(db).deleteOne({ _id: 2 });
  assertEquals((await home.run("dead-letters", "list")).stderr, "2 dead letters\n");
  await home.run("dead-letters", "purge", "--all", "--dry-run");
  assertEquals(await lettersLeft(db), 3);
  await home.run("dead-letters", "purge", "--all");
  assertEquals(await lettersLeft(db), 0);
});

Deno.test("Dead letters: with any text in ids and errors, dead-letters commands no terminal and forges no line", async () => {
  await using db = await testDatabase("dead letters forged");
  await using home = await agentHome({ db });
  const forged = "a\n2026-01-01T00:00:00.000Z  b  1 attempts  forged\u001b[2J\u009b\u202e";
  const deadAt = new Date(1000);
  await db.db.collection("documents").insertOne(
    { _id: forged as never, status: "failed", [forged]: forged, _pull: { dead_at: deadAt } },
  );
  const letter = {
    _id: forged as never,
    dead_at: deadAt,
    error: forged,
    attempts: forged,
    document: { [forged]: forged },
  };
  await db.db.collection("documents_dead_letters").insertOne(letter);
  const [listed, json, shown, dry] = [
    await home.run("dead-letters", "list"),
    await home.run("dead-letters", "list", "--json"),
    await home.run("dead-letters", "show", forged),
    await home.run("dead-letters", "redrive", "--all", "--dry-run"),
  ];
  for (const { stdout } of [listed, json, shown, dry]) {
    assert(!/[^\P{Cc}\n]|\u202e/u.test(stdout), stdout);
  }
  assertEquals([listed, json, dry].map(({ stdout }) => stdout.trimEnd().split("\n").length), [1, 1, 1]);
  assertEquals(JSON.parse(shown.stdout).document, letter.document);

  const [asListed] = listed.stdout.match(/"a.*?"(?= {2})/)!;
  assertEquals(asListed, JSON.stringify(forged).replace("\u009b", "\\u009b").replace("\u202e", "\\u202e"));
  assertEquals((await home.run("dead-letters", "redrive", "--id", asListed)).stderr, "1 redriven\n");
});
