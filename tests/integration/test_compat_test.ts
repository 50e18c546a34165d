import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import { MongoClient } from "mongodb";
import { testDatabase, testUri } from "../support/mongod.ts";

/** Runs the script as its task does. */
async function compat(env: Record<string, string>): Promise<{ code: number; text: string }> {
  const script = new URL("../../scripts/test_compat.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script],
    env,
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("test_compat.ts prints a table of what works on a server, and leaves nothing behind there", async () => {
  await using client = new MongoClient(testUri());
  const { code, text } = await compat({ COMPAT_URI: testUri() });
  assertEquals(code, 0, text);
  for (const name of ["claims", "dead letters", "effect writes", "pick-up"]) {
    assertMatch(text, new RegExp(`^ok +${name} `, "m"));
  }
  assertMatch(text, /version \d+\.\d+\.\d+, wire version \d+, a replica set/);
  assertMatch(text, /9 passed, 0 failed\s*$/);
  assertFalse(text.includes(new URL(testUri()).host), text);
  const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
  assertFalse(databases.some(({ name }) => name.startsWith("pulling_agent_compat")));
});

Deno.test("test_compat.ts tells in its words what a server refuses, and keeps out of a database that holds anything", async () => {
  await using database = await testDatabase("compat");
  const used = await compat({ COMPAT_URI: testUri(), COMPAT_DATABASE: database.name });
  assertEquals(used.code, 1);
  assertMatch(used.text, /holds collections: give the name of an empty one in COMPAT_DATABASE/);
  assertEquals((await database.db.listCollections().toArray()).length, 1);

  const nowhere = await compat({
    COMPAT_URI: "mongodb://me:s3cr3t-Passw0rd@127.0.0.1:1/?serverSelectionTimeoutMS=100",
  });
  assertEquals(nowhere.code, 1);
  assertFalse(/s3cr3t|Stack|^ +at /m.test(nowhere.text), nowhere.text);
  assertEquals((await compat({ COMPAT_URI: "" })).code, 2);
});
