import { assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { makeDev as dev } from "../support/make_dev.ts";
import { testDatabase } from "../support/mongod.ts";
import { TempDir } from "../support/temp_dir.ts";

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
  assertStringIncludes(output, "1 of 3 documents has a status of its own and is left alone");
  assertEquals(await db.db.collection("documents").countDocuments({ status: "processed", seen: true }), 2);
});

Deno.test("make dev says that no document of a file matches FILTER", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const { code, output } = await dev(db, dir, [{ kind: "a" }], { env: { FILTER: '{"kind":"b"}' } });
  assertEquals(code, 2, output);
  assertStringIncludes(output, 'None of the documents that were inserted matches FILTER={"kind":"b"}');
});

Deno.test("make dev counts only documents that were pending: not what came processed, failed or in processing", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const statuses = ["processed", "processed", "failed", "processing", "pending"];
  const { code, output } = await dev(db, dir, [...statuses.map((status) => ({ status })), { n: 1 }]);
  assertEquals(code, 0, output);
  assertStringIncludes(output, "4 of 6 documents have a status of their own and are left alone");
  assertMatch(output, /^dev: Drained .*: 2 processed, 0 failed, 0 to do\.$/m);
  assertMatch(output, /^dev: Stopped\. 2 processed, 0 failed, 0 to do\.$/m);
  assertFalse(output.includes("Failed:"), output);
});

Deno.test("make dev counts only documents that match FILTER, and says how many do not", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const lines = ["a", "a", "b"].map((kind) => ({ kind }));
  const module = 'export default () => ({ set: { kind: "done" } });';
  const { code, output } = await dev(db, dir, lines, { module, env: { FILTER: '{"kind":"a"}' } });
  assertEquals(code, 0, output);
  assertStringIncludes(output, 'dev: 1 document left alone, as FILTER does not match: {"kind":"a"}');
  assertMatch(output, /^dev: Stopped\. 2 processed, 0 failed, 0 to do\.$/m);
});

Deno.test("make dev counts what it was given alone, and says how a file that was loaded before is loaded again", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  await db.db.collection("documents").insertMany([{ status: "processed" }, { status: "failed" }]);
  const lines = [{ n: 1 }, { _id: "a" }];
  const first = await dev(db, dir, lines);
  assertMatch(first.output, /^dev: Stopped\. 2 processed, 0 failed, 0 to do\.$/m);
  const again = await dev(db, dir, lines);
  assertEquals(again.code, 2, again.output);
  assertMatch(
    again.output,
    /has a document with the _id "a" already, and 1 of the documents were inserted .*: name another MONGODB_COLLECTION/,
  );
});

Deno.test("make dev says of one document alone that it is not pending", async () => {
  await using dir = await TempDir.make();
  const { code, output } = await dev({ uri: "mongodb://127.0.0.1:1/", name: "none" }, dir, [{
    status: "new",
  }]);
  assertEquals(code, 2, output);
  assertMatch(output, /The document of FILE=.* is not pending: 1 with "new"\. The agent takes/);
});

Deno.test("make dev shows no secret of MONGODB_URI, among its options neither", async () => {
  await using db = await testDatabase("dev file");
  await using dir = await TempDir.make();
  const uri = `${db.uri}&tlsCertificateKeyFilePassword=open-sesame`;
  const { output } = await dev({ uri, name: db.name }, dir, [{ n: 1 }]);
  assertMatch(output, /^dev: Using MongoDB: mongodb:.*tlsCertificateKeyFilePassword=\*\*\*/m);
  assertFalse(output.includes("sesame"), output);
});
