import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

const SOUND = "export default () => {};";

Deno.test("try tells that the server cannot use FILTER", async () => {
  await using db = await testDatabase("try filter");
  await insertPending(db, [1]);
  await using home = await agentHome({ db, module: SOUND, env: { FILTER: '{"a":{"$type":"nothing"}}' } });
  const { code, stdout, stderr } = await home.run("try");
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertMatch(stderr, /^pulling-agent: try failed: .*FILTER.*: mend FILTER\n$/);
});

Deno.test("try tells that there is no collection, and makes none", async () => {
  await using db = await testDatabase("try nowhere", { empty: true });
  await using home = await agentHome({ db, module: SOUND });
  for (const args of [["try"], ["try", "--id", "1"]]) {
    const { code, stdout, stderr } = await home.run(...args);
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
    assertMatch(stderr, /^pulling-agent: There is no collection documents in the database .*\n$/);
  }
  assertEquals(await db.db.listCollections().toArray(), []);
});

Deno.test("try ends with status 1 and names an error that no code of the processor catches", async () => {
  await using home = await agentHome({
    module: `export default async () => {
      Promise.reject(new Error("left behind"));
      await new Promise(() => {});
    };`,
  });
  const file = await home.write("one.json", '{"_id":1}');
  const { code, stderr } = await home.run("try", "--file", file);
  assertEquals(code, 1);
  assertMatch(stderr, /^pulling-agent: a promise that was not awaited has failed, .*: Error: left behind/);
});

Deno.test("try takes documents of 15 MB", async () => {
  await using db = await testDatabase("try large");
  const documents = await insertPending(db, upTo(3));
  await documents.updateMany({}, { $set: { text: "x".repeat(15_000_000) } });
  await using home = await agentHome({
    db,
    module: "export default ({ text }) => ({ set: { length: text.length } });",
  });
  const { code, stdout, stderr } = await home.run("try");
  assertEquals(code, 0, stderr);
  assertEquals(stdout.match(/set \{"length":15000000\}/g)?.length, 3);
});
