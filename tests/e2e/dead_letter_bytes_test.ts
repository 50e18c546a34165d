import { assertEquals, assertMatch } from "@std/assert";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { TestDatabase, testDatabase } from "../support/mongod.ts";
import { elementNamed } from "../support/raw_bson.ts";
import { insertInvalidUtf8, INVALID } from "../support/raw_insert.ts";

const FAILING =
  `export default ({ _id }) => { throw Object.assign(new Error("no " + _id), { permanent: true }); };`;

Deno.test("Dead letters: a document with bytes that JavaScript cannot hold becomes a dead letter, with the same bytes, is listed, shown and redriven", async () => {
  await using db = await testDatabase("dead letter bytes");
  await insertInvalidUtf8(db, { _id: 1, status: "pending", name: `caf${INVALID}`, 10: 1, 9: 2 }, "documents");
  await using home = await agentHome({ db, module: FAILING });
  const raw = async (collection: string) =>
    (await db.db.collection(collection).find({}, { raw: true }).toArray() as unknown as Uint8Array[])[0]!;
  const nameIn = (document: Uint8Array) => elementNamed(document, "name")!.value.toHex();
  const before = nameIn(await raw("documents"));

  assertEquals((await home.run("run", "--until-empty")).code, 0);
  const copy = elementNamed(await raw("documents_dead_letters"), "document")!.value;
  assertEquals([nameIn(copy), nameIn(await raw("documents"))], [before, before]);
  const list = await home.run("dead-letters", "list");
  assertEquals([list.code, list.stderr], [0, "1 dead letter\n"]);
  assertMatch(list.stdout, / {2}1 {2}1 attempt {2}no 1\n$/);
  const shown = await home.run("dead-letters", "show", "1");
  assertEquals([shown.code, JSON.parse(shown.stdout).document.name], [0, "caf\ufffd\ufffd"]);
  assertEquals(
    (await home.run("dead-letters", "redrive", "--all")).stderr,
    "1 letter is selected\n1 redriven\n",
  );
  assertEquals(nameIn(await raw("documents")), before);
});

Deno.test("dead-letters list, show and redrive work on a server that reads no collection without an index", async () => {
  await using server = await startMongod({ replicaSet: true });
  await using db = new TestDatabase(server.uri, "notablescan");
  await insertPending(db, [1, 2]);
  await using home = await agentHome({ db, module: FAILING });
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  await db.client.db("admin").command({ setParameter: 1, notablescan: true });
  const list = await home.run("dead-letters", "list");
  assertEquals([list.code, list.stderr], [0, "2 dead letters\n"]);
  const filter = ["--filter", '{"error": "no 1"}'];
  assertEquals((await home.run("dead-letters", "list", ...filter)).stderr, "1 dead letter\n");
  assertEquals(
    (await home.run("dead-letters", "redrive", "--all")).stderr,
    "2 letters are selected\n2 redriven\n",
  );
});
