import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import { commandsIn, randomText } from "../support/random_text.ts";
import type { AnyDocument } from "../support/store.ts";

const lettersOf = ({ db }: TestDatabase) => db.collection<AnyDocument>("documents_dead_letters");

/** Letters of documents that have failed, without a run: document `i` has the `i`-th error. */
async function insertLetters(db: TestDatabase, errors: readonly unknown[], from = 1): Promise<void> {
  const made = errors.map((error, at) => ({
    _id: from + at,
    error,
    dead_at: new Date(1e12 + 1000 * (from + at)),
  }));
  await documentsOf(db).insertMany(
    made.map(({ _id, dead_at }) => ({ _id, status: "failed", _pull: { attempts: 1, dead_at } as never })),
    { ordered: false },
  );
  await lettersOf(db).insertMany(made, { ordered: false });
}

Deno.test("dead-letters summary groups the letters of a real agent by error, the largest or the newest group first", async () => {
  await using db = await testDatabase("summary");
  await insertPending(db, upTo(7));
  const module = `export default ({ _id }) => {
    throw Object.assign(new Error(_id < 6 ? "no order " + _id * 1000 : "bank 'B" + _id + "' is closed"), { permanent: true });
  };`;
  await using home = await agentHome({ db, module });
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  // It is newer than all others, by any clock.
  await lettersOf(db).updateOne({ _id: 7 }, { $set: { dead_at: new Date(4e12) } });
  await documentsOf(db).updateOne({ _id: 7 }, { $set: { "_pull.dead_at": new Date(4e12) } as never });

  const { code, stdout, stderr } = await home.run("dead-letters", "summary");
  assertEquals([code, stderr], [0, "7 dead letters with 2 different errors\n"]);
  const date = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;
  const [head, ...lines] = stdout.trimEnd().split("\n");
  assertMatch(head!, /^ LETTERS {2}FIRST {21}LAST {22}ERROR/);
  assertMatch(lines[0]!, new RegExp(`^ {7}5  ${date}  ${date}  no order # \\(as [1-5]\\)$`));
  assertMatch(
    lines[1]!,
    new RegExp(`^ {7}2  ${date}  2096-10-02T07:06:40.000Z  bank '…' is closed \\(as 7\\)$`),
  );
  const newest = await home.run("dead-letters", "summary", "--newest");
  assertEquals(newest.stdout.trimEnd().split("\n"), [head, lines[1], lines[0]]);

  const json = await home.run("dead-letters", "summary", "--json", "--filter", '{"_id": {"$gte": 5}}');
  assertEquals([json.code, json.stderr], [0, ""]);
  const [banks, orders] = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals([banks.letters, banks.pattern, banks.example_id, banks.example_error], [
    2,
    "bank '…' is closed",
    7,
    "bank 'B7' is closed",
  ]);
  assertEquals([orders.letters, orders.example_id, orders.first], [1, 5, orders.last]);
});

Deno.test("dead-letters summary counts what dead-letters list shows: no stale letter, and none of another collection", async () => {
  await using db = await testDatabase("summary stale");
  await using home = await agentHome({ db });
  assertEquals(await home.run("dead-letters", "summary"), {
    code: 0,
    stdout: "",
    stderr: "0 dead letters with 0 different errors\n",
  });
  await insertLetters(db, ["a", "a", "a", "b"]);
  await documentsOf(db).deleteOne({ _id: 1 });
  await documentsOf(db).updateOne({ _id: 2 }, { $set: { status: "processed" } });
  await lettersOf(db).insertOne({ _id: 9, error: "a", source: { collection: "others" } });
  const { stdout, stderr } = await home.run("dead-letters", "summary", "--json");
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line).letters), [1, 1]);
  assertMatch(stderr, /^1 letter of another collection is left alone/);
  assertEquals((await home.run("dead-letters", "list")).stdout.trimEnd().split("\n").length, 2);
});

Deno.test("dead-letters summary prints nothing that commands a terminal, and no secret, for any letters", async () => {
  const random = testRandom(11);
  await using db = await testDatabase("summary texts");
  await using home = await agentHome({ db });
  const texts = Array.from({ length: 80 }, () => randomText(random).toWellFormed().replaceAll("\0", ""));
  await insertLetters(db, [
    ...texts,
    "at mongodb://me:s3cr3t-Passw0rd@db/",
    { a: 1 },
    null,
    "x".repeat(100_000),
  ]);
  for (const args of [[], ["--json"]]) {
    const { code, stdout, stderr } = await home.run("dead-letters", "summary", ...args);
    assertEquals(code, 0, stderr);
    assertEquals((stdout + stderr).split("\n").flatMap(commandsIn), []);
    assert(!stdout.includes("s3cr3t"), stdout);
    assertEquals(stdout.split("\n").every(({ length }) => length < 3000), true);
    if (args.length === 0) {
      assertMatch(stderr, /^84 dead letters with \d+ different errors, of which 50 are shown: /);
    } else assertEquals(stdout.includes("(an error of more than # KiB)"), true);
  }
});
