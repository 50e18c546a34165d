import { assertEquals, assertStringIncludes } from "@std/assert";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Runs `make dev` on a file with these lines, in a database of the test's. */
async function dev(db: TestDatabase, dir: TempDir, lines: object[], env: Record<string, string> = {}) {
  const FILE = await dir.write("documents.json", lines.map((line) => JSON.stringify(line)).join("\n"));
  const script = new URL("../../scripts/dev.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script],
    env: {
      NO_COLOR: "1",
      FILE,
      MONGODB_URI: db.uri,
      MONGODB_DATABASE: db.name,
      MONGODB_COLLECTION: "documents",
      HEALTH_DIR: `${dir.path}/health`,
      CONTROL_FILE: `${dir.path}/control/state`,
      PROCESSOR: `module:${await dir.write(
        "processor.js",
        "export default () => ({ set: { seen: true } });",
      )}`,
      ...env,
    },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("make dev refuses a file none of whose documents is pending, and inserts nothing", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const { code, output } = await dev(db, dir, [{ status: "new" }, { status: "processed" }]);
  assertEquals(code, 2, output);
  assertStringIncludes(output, 'is pending: 1 with "new", 1 with "processed". The agent takes documents');
  assertEquals(await db.db.collection("documents").countDocuments(), 0);
});

Deno.test("make dev says which documents of a file it leaves alone, and processes the others", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const { code, output } = await dev(db, dir, [{ status: "new" }, { n: 1 }, { status: "pending" }]);
  assertEquals(code, 0, output);
  assertStringIncludes(output, "1 of 3 documents bring a status of their own and are left alone");
  assertEquals(await db.db.collection("documents").countDocuments({ status: "processed", seen: true }), 2);
});

Deno.test("make dev says that no document of a file matches FILTER", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const { code, output } = await dev(db, dir, [{ kind: "a" }], { FILTER: '{"kind":"b"}' });
  assertEquals(code, 2, output);
  assertStringIncludes(output, 'None of the documents that were inserted matches FILTER={"kind":"b"}');
});
