import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClaimModeError } from "../../agent/errors.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { agents, open } from "../support/ranges.ts";
import { idsOf, jobs, LONG_AGO, openStore, pending, type TestStore } from "../support/store.ts";

const DOCUMENT_MODE = { claimMode: "document", fleet: "on" } as const;

/** A database with a document that waits, and with a document of the ranges as agents have left it. */
async function databaseWith(fields: Record<string, unknown>): Promise<TestDatabase> {
  const database = await testDatabase("ranges");
  await jobs(database).insertMany(pending(1));
  const made = {
    registry: "pulling-agent",
    version: "v",
    filter: null,
    ranges: [],
    mode_until: inMs(50_000),
  };
  await agents(database).insertOne({ _id: "ranges", ...made, ...fields });
  return database;
}

function inMs(ms: number): Date {
  return new Date(Date.now() + ms);
}

/** An agent in document mode shows itself, with nothing to claim. */
async function showDocumentMode(database: TestDatabase): Promise<void> {
  const shown = { name: "d", mode: "document", state: "running", seen_at: new Date(), lives_ms: 600_000 };
  await agents(database).insertOne({
    _id: "2026-01-01T00:00:00.000Z a",
    registry: "pulling-agent",
    ...shown,
  });
}

async function refusalOf(store: TestStore): Promise<ClaimModeError> {
  return await assertRejects(() => store.take(), ClaimModeError);
}

Deno.test("CLAIM_MODE of range names the FILTER of the agents that have the mode, also if agents in document mode wait for it", async () => {
  await using database = await databaseWith({ mode: "range", filter: '{"kind":"a"}' });
  await using store = open(database);
  await showDocumentMode(database);
  assertStringIncludes((await refusalOf(store)).message, 'the others have {"kind":"a"}');
  // They do not have it any more.
  await agents(database).updateOne({ _id: "ranges" }, { $set: { mode_until: LONG_AGO } });
  assertStringIncludes((await refusalOf(store)).message, "agents with CLAIM_MODE=document work");
});

Deno.test("CLAIM_MODE of range names the field that a user has changed, also if agents in document mode wait", async () => {
  await using database = await databaseWith({ mode: "range", version: 5 });
  await using store = open(database);
  await showDocumentMode(database);
  assertStringIncludes((await refusalOf(store)).message, 'The field "version" of the document "ranges"');
});

Deno.test("CLAIM_MODE of range tells that agents have just ended, and names none that work", async () => {
  await using database = await databaseWith({ mode: "document", mode_until: inMs(-10_000) });
  await using store = open(database);
  const { isOfOthers, message } = await refusalOf(store);
  assertStringIncludes(message, "agents with CLAIM_MODE=document have just ended");
  assertEquals(isOfOthers, false);
  await agents(database).updateOne({ _id: "ranges" }, { $set: { mode_until: inMs(-31_000) } });
  assertEquals(idsOf(await store.take()), [0]);
});

Deno.test("CLAIM_MODE of range waits for the ranges of agents with another FILTER that are gone, and holds no agent responsible", async () => {
  const ranges = [{ from: -2, to: -1, token: "t", owner: "gone", visible_at: inMs(600_000) }];
  await using database = await databaseWith({
    mode: "range",
    filter: '{"kind":"a"}',
    mode_until: LONG_AGO,
    ranges,
  });
  await using store = open(database);
  const { isOfOthers, message } = await refusalOf(store);
  assertStringIncludes(message, "agents with another FILTER that have ended hold documents");
  assertEquals(isOfOthers, false);
});

for (const [mode, other] of [["document", "range"], ["range", "document"]] as const) {
  Deno.test(`CLAIM_MODE of ${mode} tells until when ${other} mode stands if the server's clock was ahead, and that is mended by what it says`, async () => {
    const until = inMs(3_600_000);
    await using database = await databaseWith({ mode: other, mode_until: until });
    await using store = mode === "range" ? open(database) : openStore(database, DOCUMENT_MODE);
    const { isOfOthers, message } = await refusalOf(store);
    assertStringIncludes(message, `has CLAIM_MODE=${other} until ${until.toISOString()}`);
    assertStringIncludes(
      message,
      "stop all agents, wait 90 seconds and for their leases, remove the document",
    );
    assertEquals(isOfOthers, true);
    await agents(database).deleteOne({ _id: "ranges" });
    await using next = mode === "range" ? open(database) : openStore(database, DOCUMENT_MODE);
    assertEquals(idsOf(await next.take()), [0]);
  });
}
