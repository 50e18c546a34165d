import { ObjectId } from "bson";
import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { PYMONGO, PYMONGO_PACKAGE } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";

/** A function as users of the Python version have it: with the types of Motor, and with prints. */
const BODY = `
    print("at work on", doc["_id"])
    await asyncio.sleep(0)
    if doc["_id"] == "bad": raise ValueError("the price is missing")
    if doc["_id"] == "busy": raise ConnectionError("the shop is closed")
    assert type(doc["_id"]).__name__ == "ObjectId", doc
    assert doc["ordered_at"].year == 2026 and doc["ordered_at"].tzinfo is None, doc`;

Deno.test({
  name: "Docs: the worker of docs/migrating.md runs a function of the Python version as it is",
  ignore: await isMissing(PYMONGO),
  async fn() {
    await using packages = await TempDir.make();
    const pip = ["-m", "pip", "install", "--quiet", "--target", packages.path, PYMONGO_PACKAGE];
    assertEquals((await new Deno.Command("python3", { args: pip }).output()).code, 0);
    const page = await Deno.readTextFile(new URL("../../docs/migrating.md", import.meta.url));
    const worker = /## Keep your function[^]*?```python\n([^]*?)```/.exec(page)![1]!;
    assert(/^ {4}\.\.\. .*$/m.test(worker), "there is a place for the function");

    await using db = await testDatabase("migrating");
    const documents = db.db.collection("documents");
    const ordered_at = new Date("2026-01-05T08:01:00Z");
    const _id = new ObjectId();
    await documents.insertMany([
      { _id, status: "pending", ordered_at },
      { _id: "bad", status: "pending" },
      { _id: "busy", status: "pending" },
    ] as never[]);
    await using home = await agentHome({ db, env: { MAX_ATTEMPTS: "2", PYTHONPATH: packages.path } });
    const file = await home.write("worker.py", worker.replace(/\n {4}\.\.\. .*/, BODY));
    const { stdout } = await home.runWith({
      args: ["run", "--until-empty"],
      env: { PROCESSOR: `exec:python3 ${file}` },
    });

    const state = async (id: unknown) => {
      const found = await documents.findOne({ _id: id as ObjectId });
      return [found!.status, found!._pull.attempts, found!.error];
    };
    assertEquals(await state(_id), ["processed", 1, undefined], stdout);
    assertEquals(await state("bad"), ["failed", 2, "the price is missing"]);
    assertEquals(await state("busy"), ["failed", 2, "the shop is closed"]);
    assertEquals(stdout.match(/"at work on /g)?.length, 5, "what it prints becomes lines of the log");
  },
});
