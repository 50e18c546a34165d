import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ClaimsRefusedError } from "../../agent/store/claims/refusal_streak.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { type AnyDocument, COLLECTION, idsOf, jobs, openStore, pending } from "../support/store.ts";
import { expired } from "../support/suspects.ts";

async function validate(database: TestDatabase, validator: AnyDocument): Promise<void> {
  await database.db.command({ collMod: COLLECTION, validator });
}

/** What a strict schema looks like that was made before the agent came. */
const NO_ROOM = { $jsonSchema: { properties: { _id: {}, status: {} }, additionalProperties: false } };

Deno.test("Refused claims: a store whose every claim is refused says so, tries few documents at a time, and goes on when it is mended", async () => {
  await using setup = await proxiedStore("refused claims");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(300));
  await validate(database, NO_ROOM);

  const error = await assertRejects(() => store.take(), ClaimsRefusedError);
  assertMatch(
    error.message,
    /refuses to let any document of .*\.jobs be claimed: Document failed validation.*: let the validator/,
  );
  for (let times = 0; times < 3; times++) {
    const commands = await proxy.record(() => assertRejects(() => store.take(), ClaimsRefusedError));
    assert(commands.length <= 10, `${commands.length} commands`);
  }
  await validate(database, {});
  const documents = [];
  for (let claim = await store.take(); claim.documents.length > 0; claim = await store.take()) {
    documents.push(...claim.documents);
  }
  assertEquals(documents.length, 300);
});

Deno.test("Refused claims: a store whose every document was refused and is mended claims it again, without new ones", async () => {
  await using database = await testDatabase("refused claims");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(12));
  await validate(database, NO_ROOM);
  for (let times = 0; times < 5; times++) await assertRejects(() => store.take(), ClaimsRefusedError);
  await validate(database, {});
  const claims = [await store.take(), await store.take()];
  assertEquals(claims.flatMap(idsOf).length, 12);
});

Deno.test("Refused claims: a store goes on as ever when all documents that were refused are gone", async () => {
  await using database = await testDatabase("refused claims");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(12));
  await validate(database, NO_ROOM);
  await assertRejects(() => store.take(), ClaimsRefusedError);
  await jobs(database).deleteMany({});
  assertEquals(idsOf(await store.take()), []);
});

Deno.test("Refused claims: many refused documents at the head are told from a collection in which every claim is refused", async () => {
  await using database = await testDatabase("refused claims");
  await using store = openStore(database);
  await jobs(database).insertMany([...pending(40, { fixed: true }), ...pending(60, { from: 40 })]);
  await validate(database, { $or: [{ fixed: { $ne: true } }, { status: "pending" }] });
  await using agent = new InProcessAgent(store, () => {});
  await agent.until("the others to be processed", () => agent.count("processed") === 60);
  assertEquals(agent.all("claim_failed"), []);
  assertEquals(agent.all("claim_refused").length, 40);
});

Deno.test("Refused claims: an agent whose every claim is refused fails its claims for a lasting reason, and names no document", async () => {
  await using database = await testDatabase("refused claims");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(300));
  await validate(database, NO_ROOM);
  await using agent = new InProcessAgent(store, () => {});
  await agent.until("claims to fail", () => agent.all("claim_failed").length >= 2);
  assert(agent.all("claim_failed").every(({ isLasting }) => isLasting));
  assertEquals(agent.all("claim_refused"), []);
});

const BROKEN: Record<string, [filter: string, message: RegExp]> = {
  "an operator that does not exist": ['{"a": {"$gtt": 1}}', /FILTER is a part: unknown operator/],
  "an expression that fails": ['{"$expr": {"$divide": [1, 0]}}', /FILTER is a part: .*zero/],
  "an unknown variable": ['{"$expr": {"$eq": ["$a", "$$FOO"]}}', /FILTER is a part: .*undefined variable/],
};

for (const [what, [filter, message]] of Object.entries(BROKEN)) {
  Deno.test(`Refused claims: a FILTER with ${what} fails the claims for a lasting reason, and is named`, async () => {
    await using database = await testDatabase("refused claims");
    await using store = openStore(database, { filter });
    await jobs(database).insertMany(pending(3));
    await using agent = new InProcessAgent(store, () => {});
    const failed = await agent.event("claim_failed");
    assertEquals([failed.isLasting, agent.count("claimed")], [true, 0]);
    assertMatch(String(failed.error), message);
  });
}

const WORKING: Record<string, string> = {
  $comment: '{"$comment": "of the night", "kind": "a"}',
  $where: '{"$where": "this.kind === \\"a\\""}',
  $jsonSchema: '{"$jsonSchema": {"properties": {"kind": {"enum": ["a"]}}, "required": ["kind"]}}',
  $geoWithin: '{"at": {"$geoWithin": {"$centerSphere": [[0, 0], 1]}}}',
};

for (const [operator, filter] of Object.entries(WORKING)) {
  Deno.test(`Refused claims: a FILTER with ${operator} works`, async () => {
    await using database = await testDatabase("refused claims");
    await using store = openStore(database, { filter });
    await jobs(database).insertMany([
      ...pending(2, { kind: "a", at: [0, 0] }),
      ...pending(2, { from: 2, kind: "b", at: [90, 80] }),
    ]);
    await using agent = new InProcessAgent(store, () => {}, {}, { untilEmpty: true });
    await agent.stopped;
    assertEquals([agent.count("processed"), agent.all("claim_failed")], [2, []]);
  });
}

const SUSPECT = { takeovers: 1, attempts: 1 };

const STUBBORN: Record<string, AnyDocument> = {
  "that a validator keeps as they are": { fixed: true, _pull: {} },
  "whose attempts are no number": { _pull: { attempts: "many" } },
  "whose counter is null": { _pull: { alone: null } },
};

for (const [what, { _pull, ...fields }] of Object.entries(STUBBORN)) {
  Deno.test(`Suspects ${what} hide no others, and a run until nothing is left ends`, async () => {
    await using database = await testDatabase("refused claims");
    await using store = openStore(database);
    // Inserted first, so that they are found first; and more of them than are looked at in one go.
    const stubborn = Array.from({ length: 20 }, (_, number) => {
      const suspect = { ...expired(`stubborn-${number}`, SUSPECT), ...fields };
      return { ...suspect, _pull: { ...suspect._pull, ..._pull, token: "gone" } };
    });
    await jobs(database).insertMany(stubborn);
    await jobs(database).insertMany([expired("good-1", SUSPECT), expired("good-2", SUSPECT)]);
    await validate(database, { $or: [{ fixed: { $ne: true } }, { "_pull.token": "gone" }] });
    await using agent = new InProcessAgent(store, () => {}, {}, { untilEmpty: true });
    await agent.stopped;
    assertEquals(await jobs(database).distinct("_id", { status: "processed" }), ["good-1", "good-2"]);
    assertEquals(agent.all("claim_failed"), []);
    const refused = new Set(agent.all("claim_refused").map(({ id }) => id));
    assertEquals(refused, new Set(stubborn.map(({ _id }) => _id)));
    const left = agent.all("left_alone").at(-1)!.groups;
    assertEquals(left.map(({ documents }) => documents), [20]);
  });
}
