import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BSON } from "mongodb";
import { agentHome, type CommandResult } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";

/** Does what the document asks for. */
const OBEDIENT = `export default async ({ _id, ask, big }, { attempt, idempotencyKey, log }) => {
  switch (ask) {
    case "set": return { set: { attempt, idempotencyKey, big: 9007199254740993n } };
    case "log": console.log("printed"); log.info("logged"); return;
    case "throw": throw new Error("boom");
    case "permanent": throw Object.assign(new Error("never"), { permanent: true });
    case "later": throw Object.assign(new Error("busy"), { retryAfterMs: 30_000 });
    case "hang": mark("hangs"); return await new Promise(() => {});
    case "off": return { snoozeMs: 1e12 };
    case "wrong": return { $set: { a: 1 } };
    case "ignored": return { total: 3 };
  }
};`;

/** What is printed with `--json`. */
// deno-lint-ignore no-explicit-any
const linesOf = ({ stdout }: CommandResult): any[] =>
  stdout.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));

/** What the servers have written on behalf of clients, as far as the oplog tells. */
async function written(db: TestDatabase): Promise<number> {
  const oplog = db.client.db("local").collection("oplog.rs");
  return await oplog.countDocuments({ op: { $ne: "n" }, ns: { $not: /^config\./ } });
}

Deno.test("try tells what would become of each document, and writes nothing", async () => {
  await using db = await testDatabase("try");
  const asks = ["set", "throw", "permanent", "later", "hang", "wrong", "ignored", "log"];
  await documentsOf(db).insertMany(asks.map((ask, _id) => ({ _id, status: "pending", ask })));
  await using home = await agentHome({ db, module: OBEDIENT, env: { PROCESS_TIMEOUT: "0.2" } });
  const before = await written(db);
  const result = await home.run("try", "--json");
  assertEquals(result.code, 1, result.stderr);
  const found = linesOf(result);
  assertEquals(found.map(({ id, outcome }) => [id, outcome]), [
    [0, "processed"],
    [1, "retry"],
    [2, "dead_letter"],
    [3, "retry"],
    [4, "retry"],
    [5, "dead_letter"],
    [6, "processed"],
    [7, "processed"],
  ]);
  assertEquals(found[0].set, {
    attempt: 1,
    idempotencyKey: `${db.name}.documents:{"$numberInt":"0"}`,
    big: { $numberLong: "9007199254740993" },
  });
  assertEquals([found[1].error, found[2].error, found[3].error], ["boom", "never", "busy"]);
  assertEquals(found[3].retry_in_ms, 30_000);
  assert(found[1].retry_in_ms <= 50, "RETRY_BACKOFF_MAX holds");
  assertStringIncludes(found[4].error, "PROCESS_TIMEOUT");
  assertStringIncludes(found[5].error, '"$set"');
  assertEquals([found[6].ignored, found[6].set], [["total"], undefined]);
  assertMatch(result.stderr, /^printed$/m);
  assertMatch(result.stderr, /"message":"logged","id":"7","attempt":1/);
  assertEquals(await written(db), before);
  assertEquals(
    await documentsOf(db).countDocuments({ status: "pending", _pull: { $exists: false } }),
    asks.length,
  );
  assertEquals((await db.db.listCollections().toArray()).map(({ name }) => name), ["documents"]);
});

Deno.test("try takes a snooze for no failure, and shows when the document would run again", async () => {
  await using db = await testDatabase("try snooze");
  await documentsOf(db).insertMany(["off", "set"].map((ask, _id) => ({ _id, status: "pending", ask })));
  await using home = await agentHome({ db, module: OBEDIENT, env: { MAX_SNOOZE: "2h" } });
  const [table, lines] = [await home.run("try"), await home.run("try", "--json")];
  assertEquals([table.code, lines.code], [0, 0], table.stderr);
  assertMatch(table.stdout, /^0 +snoozed +\d+ ms {2}no attempt, again in 7200 s$/m);
  assertEquals(table.stderr, "1 processed, 1 snoozed, 0 to retry, 0 dead: nothing was written\n");
  assertEquals(linesOf(lines).map(({ outcome, snooze_ms }) => [outcome, snooze_ms]), [
    ["snoozed", 7_200_000],
    ["processed", undefined],
  ]);
});

Deno.test("try notices with the oplog that an agent has written", async () => {
  await using db = await testDatabase("try oplog");
  await insertPending(db, [1]);
  await using home = await agentHome({ db, module: OBEDIENT });
  const before = await written(db);
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  assert(await written(db) > before, "else the other tests prove nothing");
});

Deno.test("try prints a table for people, with the reason of each failure", async () => {
  await using db = await testDatabase("try table");
  const asks = ["set", "throw", "permanent", "ignored"];
  await documentsOf(db).insertMany(asks.map((ask, _id) => ({ _id, status: "pending", ask })));
  await using home = await agentHome({ db, module: OBEDIENT, env: { MAX_ATTEMPTS: "3" } });
  const { code, stdout, stderr } = await home.run("try");
  assertEquals([code, stderr], [1, "2 processed, 1 to retry, 1 dead: nothing was written\n"]);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0]!, /^ID +OUTCOME +TIME +WHAT/);
  assertMatch(lines[1]!, /^0 +processed +\d+ ms {2}set \{"attempt":1,.*9007199254740993/);
  assertMatch(lines[2]!, /^1 +retry +\d+ ms {2}attempt 1 of 3, again in \d+ ms: boom$/);
  assertMatch(lines[3]!, /^2 +dead letter +\d+ ms {2}at once: never$/);
  assertMatch(lines[4]!, /^3 +processed +\d+ ms {2}ignored: total/);
});

Deno.test("try takes what an agent would claim next, in its order: due retries and expired leases first", async () => {
  await using db = await testDatabase("try next");
  const past = new Date(Date.now() - 60_000);
  const future = new Date(Date.now() + 3_600_000);
  const token = "t";
  await db.db.collection<{ _id: string; status: string; kind: string; _pull?: object }>("documents")
    .insertMany([
      { _id: "new", status: "pending", kind: "mine" },
      { _id: "another's", status: "pending", kind: "other" },
      { _id: "due", status: "pending", kind: "mine", _pull: { attempts: 2, visible_at: past } },
      { _id: "later", status: "pending", kind: "mine", _pull: { attempts: 1, visible_at: future } },
      { _id: "held", status: "processing", kind: "mine", _pull: { attempts: 1, token, visible_at: future } },
      { _id: "expired", status: "processing", kind: "mine", _pull: { attempts: 4, token, visible_at: past } },
      { _id: "done", status: "processed", kind: "mine" },
      { _id: "newer", status: "pending", kind: "mine" },
    ]);
  await using home = await agentHome({ db, module: OBEDIENT, env: { FILTER: '{"kind":"mine"}' } });
  const all = await home.run("try", "--json");
  assertEquals(linesOf(all).map(({ id, attempt }) => [id, attempt]), [
    ["due", 3],
    ["expired", 4],
    ["new", 1],
    ["newer", 1],
  ]);
  assertEquals(all.code, 0, all.stderr);
  const two = await home.run("try", "--json", "--limit", "2");
  assertEquals(linesOf(two).map(({ id }) => id), ["due", "expired"]);
});

Deno.test("try says that no document can be claimed", async () => {
  await using db = await testDatabase("try nothing");
  await using home = await agentHome({ db, module: OBEDIENT });
  const { code, stdout, stderr } = await home.run("try");
  assertEquals({ code, stdout }, { code: 0, stdout: "" });
  assertMatch(stderr, /^No document can be claimed now: .*\n$/);
});

Deno.test("try --id takes an _id of each type, as text, and documents of any status", async () => {
  await using db = await testDatabase("try id");
  const ids: [text: string, id: unknown][] = [
    ["65f0c0ffee0123456789abcd", new BSON.ObjectId("65f0c0ffee0123456789abcd")],
    ["order-7", "order-7"],
    ["7", 7],
    ["1.5", 1.5],
    ["9007199254740993", BSON.Long.fromString("9007199254740993")],
    ["2026-01-02T03:04:05.000Z", new Date("2026-01-02T03:04:05Z")],
    ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", new BSON.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")],
    ['{"a":1}', { a: 1 }],
    ["true", true],
  ];
  const statuses = ["pending", "processing", "processed", "failed", "new"];
  await db.db.collection("documents").insertMany(
    ids.map(([, id], at) => ({
      _id: id as never,
      status: statuses[at % statuses.length],
      ask: "set",
      _pull: { attempts: 5, dead_at: at % statuses.length === 3 ? new Date() : undefined },
    })),
    { ignoreUndefined: true },
  );
  await using home = await agentHome({ db, module: OBEDIENT });
  const before = await written(db);
  for (const [at, [text]] of ids.entries()) {
    const result = await home.run("try", "--json", "--id", text);
    const [found, ...others] = linesOf(result);
    assertEquals([result.code, others, found.outcome], [0, [], "processed"], `${text}: ${result.stderr}`);
    // A document that is processed or failed has to be set back to pending, with no attempts.
    assertEquals(found.attempt, [6, 5, 1, 1, 1][at % statuses.length], text);
  }
  const several = await home.run(
    "try",
    "--json",
    "--id",
    "7",
    "--id",
    "order-7",
    "--id",
    "7.0",
    "--id",
    "no",
  );
  assertEquals(linesOf(several).map(({ id }) => id), [7, "order-7"]);
  assertEquals([several.code, several.stderr], [1, 'There is no document with the id "no"\n']);
  assertEquals(await written(db), before);
});

Deno.test("try runs no processor on a document that is a dead letter without a run", async () => {
  await using db = await testDatabase("try without run");
  const _pull = { attempts: 1, dead_at: new Date(), visible_at: new Date(0) };
  await documentsOf(db).insertOne({ _id: 1, status: "pending", error: "broken before", _pull });
  await using home = await agentHome({ db, module: `export default () => mark("ran");` });
  const { code, stdout } = await home.run("try");
  assertEquals(code, 1);
  assertMatch(stdout, /^1 +dead letter +not run {2}decided before: broken before$/m);
  assertEquals(await home.marks(), []);
});

Deno.test("try gives a batch processor batches, and tells of each document", async () => {
  await using db = await testDatabase("try batch");
  await insertPending(db, upTo(5));
  const module = `export const processBatch = (documents, { attempts, idempotencyKeys }) => {
    mark(documents.map(({ _id }) => _id).join());
    return documents.map(({ _id }, at) =>
      _id === 2 ? new Error("no two") : { set: { key: idempotencyKeys[at], attempt: attempts[at] } });
  };`;
  await using home = await agentHome({ db, module, env: { BATCH_SIZE: "3" } });
  const result = await home.run("try", "--json");
  assertEquals(result.code, 1, result.stderr);
  assertEquals((await home.marks()).map(({ text }) => text), ["1,2,3", "4,5"]);
  assertEquals(
    linesOf(result).map(({ id, outcome, error }) => [id, outcome, error]),
    upTo(5).map((id) => id === 2 ? [2, "retry", "no two"] : [id, "processed", undefined]),
  );
});

Deno.test("try --file takes a document, an array and lines, from a file or a pipe, without a database", async () => {
  await using home = await agentHome({ module: OBEDIENT });
  const one = await home.write(
    "one.json",
    '{\n  "ask": "set",\n  "at": {"$date": "2026-01-01T00:00:00Z"}\n}',
  );
  const array = await home.write("array.json", '[{"_id":1},{"_id":2,"ask":"throw"}]');
  const lines = await home.write("lines.json", '{"_id":{"$numberLong":"9007199254740993"}}\n{"_id":"b"}\n');
  const first = await home.run("try", "--json", "--file", one);
  assertEquals([first.code, first.stderr], [0, ""]);
  const { id, set } = linesOf(first)[0];
  assertEquals(set.idempotencyKey, `test.documents:{"$oid":"${id.$oid}"}`);
  const second = await home.run("try", "--json", "--file", array);
  assertEquals([second.code, linesOf(second).map(({ id }) => id)], [1, [1, 2]]);
  const third = await home.run("try", "--json", "--file", lines);
  assertEquals([third.code, linesOf(third).map(({ id }) => id)], [0, [
    { $numberLong: "9007199254740993" },
    "b",
  ]]);
  const piped = await home.runWith({
    args: ["try", "--json", "--file", "-"],
    wrapper: ["sh", "-c", `exec "$@" <${lines}`, "sh"],
  });
  assertEquals([piped.code, linesOf(piped).map(({ id }) => id)], [0, linesOf(third).map(({ id }) => id)]);
});

Deno.test("try refuses misuse, and files that are none of documents, with status 2", async () => {
  await using home = await agentHome({ module: OBEDIENT });
  const broken = await home.write("broken.json", "hello");
  const empty = await home.write("empty.json", "[]");
  for (
    const [args, said] of [
      [["--file", `${home.dir}/gone.json`], /Cannot read --file .*gone\.json: there is no such file/],
      [["--file", broken], /broken\.json, line 1, is not JSON/],
      [["--file", empty], /--file .*empty\.json holds no documents/],
      [["--file", empty, "--id", "1"], /--id, --file and --limit exclude each other/],
      [["--limit", "0"], /--limit is "0": must be a whole number from 1/],
      [[], /MONGODB_URI is not set/],
    ] as [string[], RegExp][]
  ) {
    const { code, stdout, stderr } = await home.run("try", ...args);
    assertEquals({ code, stdout }, { code: 2, stdout: "" }, stderr);
    assertMatch(stderr, said);
  }
  const noModule = await home.runWith({
    args: ["try", "--file", empty],
    env: { PROCESSOR: `module:${home.dir}/gone.js` },
  });
  assertEquals(noModule.code, 2, noModule.stderr);
});

Deno.test("try shows no secret of the connection string, and lets no text command the terminal", async () => {
  await using db = await testDatabase("try secrets");
  await documentsOf(db).insertOne({ _id: 1, status: "pending" });
  const module = `export default () => ({ set: { a: "\\x1b[31m" + Deno.env.get("MONGODB_URI_FOR_TEST") } });`;
  const secret = "mongodb://me:s3cr3t-Passw0rd@db/";
  await using home = await agentHome({ db, module, env: { MONGODB_URI_FOR_TEST: secret } });
  for (const args of [["try"], ["try", "--json"]]) {
    const { code, stdout, stderr } = await home.run(...args);
    assertEquals(code, 0, stderr);
    // deno-lint-ignore no-control-regex
    assert(!/s3cr3t|\x1b/.test(stdout + stderr), stdout + stderr);
  }
});
