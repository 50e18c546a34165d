import { assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

/** What the handler of each document does, as JavaScript. */
const ENDS = [
  "return;",
  "return true;",
  "return false;",
  "return { ok: false, message: 'not this one' };",
  "return { set: { a: 1, 'b.c': [1.5, null], at: new Date(1), big: 2n ** 62n, bytes: new Uint8Array(3) } };",
  "return { set: { attempt: context.attempt, key: context.idempotencyKey } };",
  "return { set: { status: 'mine' } };",
  "return { set: { at: new Date(NaN) } };",
  "return { set: {} , more: 1 };",
  "return { total: 3 };",
  "return new Response('', { status: 503 });",
  "return [Promise.reject(new Error('a part'))];",
  "return function* () {}();",
  "return new Error('returned');",
  "throw new Error('thrown');",
  "throw Object.assign(new Error('final'), { permanent: true });",
  "throw 'a text';",
  "throw undefined;",
  "await new Promise(() => {});",
];

Deno.test("try tells of each document what a run then makes of it, down to the values of its fields", async () => {
  await using db = await testDatabase("try like run");
  const documents = documentsOf(db);
  await documents.insertMany(ENDS.map((_, _id) => ({ _id, status: "pending" })));
  const handlers = ENDS.map((end) => `async (context) => { ${end} }`);
  await using home = await agentHome({
    db,
    module: `const handlers = [${handlers.join()}];
      export default ({ _id }, context) => handlers[_id](context);`,
    env: { MAX_ATTEMPTS: "1", PROCESS_TIMEOUT: "0.2" },
  });
  const told = await home.run("try", "--json", "--limit", String(ENDS.length));
  const ran = await home.run("run", "--until-empty");
  assertEquals(ran.code, 0, ran.stderr);
  const lines = told.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, ENDS.length, told.stderr);
  for (const { id, outcome, error, set = {} } of lines) {
    const found = (await documents.findOne({ _id: id }, { promoteValues: false }))!;
    const { error: actual } = found;
    const expected = { outcome, error };
    const status = String(found.status);
    assertEquals(expected, {
      outcome: status === "failed" ? "dead_letter" : status,
      error: actual === undefined ? undefined : String(actual),
    }, ENDS[id]);
    const { "b.c": inner, ...fields } = set;
    const nested = inner === undefined ? fields : { ...fields, b: { c: inner } };
    const { _id: _1, _pull: _2, error: _3, processed_at: _4, status: _5, ...written } = found;
    const asTyped = BSON.EJSON.parse(JSON.stringify(nested), { relaxed: false });
    assertEquals(plain(written), plain(asTyped), ENDS[id]);
  }
});

/** Each value with its BSON type. */
const plain = (document: object) => JSON.parse(BSON.EJSON.stringify(document, { relaxed: false }));
