import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import type { Document } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { assertHidden, makeUser } from "../support/odd_passwords.ts";

Deno.test("Secrets: a password that is a number of JSON reaches neither documents, letters, lines nor commands by an error", async () => {
  // More are in tests/thorough.
  await assertHidden("1000");
});

Deno.test("dead-letters prints a letter that an earlier version wrote without the password in its errors", async () => {
  await using db = await testDatabase("old letter");
  const uri = await makeUser(db, "s3cr3t-Passw0rd");
  try {
    await documentsOf(db).insertOne({ _id: 1, status: "failed", _pull: { dead_at: new Date(0) } } as never);
    await db.db.collection<Document & { _id: number }>("documents_dead_letters").insertOne({
      _id: 1,
      document: { _id: 1, password: "of the user" },
      attempts: 1,
      error: `cannot reach ${uri}`,
      errors: [{ at: new Date(0), attempt: 1, message: "login with s3cr3t-Passw0rd failed" }],
      source: { database: db.name, collection: "documents" },
      dead_at: new Date(0),
    });
    await using home = await agentHome({ db: { uri, name: db.name } });
    for (const args of [["list"], ["list", "--json"], ["show", "1"], ["redrive", "--all", "--dry-run"]]) {
      const { code, stdout, stderr } = await home.run("dead-letters", ...args);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "cannot reach mongodb://***@");
      assertFalse((stdout + stderr).includes("s3cr3t-Passw0rd"), stdout + stderr);
    }
    const shown = JSON.parse((await home.run("dead-letters", "show", "1")).stdout);
    assertEquals(shown.errors[0].message, "login with *** failed");
    assertEquals(shown.document, { _id: 1, password: "of the user" });
  } finally {
    await db.db.command({ dropUser: "someone" });
  }
});
