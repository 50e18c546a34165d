import { assert, assertEquals } from "@std/assert";
import type { Document } from "mongodb";
import { Patient } from "../support/doctor.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { COLLECTION, jobs, LETTERS, makeIndexes, openStore, pending } from "../support/store.ts";

/** A set-up that is broken, made for real, and what is found of it. */
interface Broken {
  setUp(database: TestDatabase): Promise<unknown>;
  env?: Record<string, string>;
  is: string;
  level: string;
  /** What happens by hand in between. */
  says: RegExp;
  /** The collection is made by `setUp`. */
  bare?: boolean;
}

const ENGLISH = { locale: "en", strength: 1 };
const CLAIM_KEYS = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;

const BROKEN: Record<string, Broken> = {
  "no index": {
    bare: true,
    setUp: ({ db }) => db.createCollection(COLLECTION),
    env: { ENSURE_INDEXES: "false" },
    is: "index_missing",
    level: "hurts",
    says: /has no index that claims can go by on \{"status":1,.*ENSURE_INDEXES is false/,
  },
  "an index of its name and another shape": {
    bare: true,
    setUp: (database) => jobs(database).createIndex({ other: 1 }, { name: "pulling_agent_claim" }),
    is: "index_in_the_way",
    level: "hurts",
    says: /has other keys \(\{"other":1\}\) than claims can go by, and is in the way of pulling_agent_claim/,
  },
  "an index that is hidden": {
    setUp: ({ db }) =>
      db.command({ collMod: COLLECTION, index: { name: "pulling_agent_claim", hidden: true } }),
    is: "index_in_the_way",
    level: "hurts",
    says: /pulling_agent_claim is hidden/,
  },
  "an index of another collation": {
    bare: true,
    setUp: (database) => jobs(database).createIndex(CLAIM_KEYS, { name: "mine", collation: ENGLISH }),
    env: { ENSURE_INDEXES: "false" },
    is: "index_missing",
    level: "hurts",
    says: /\(mine has these keys, and the collation en\)/,
  },
};

async function broken(database: TestDatabase, { bare, setUp }: Broken): Promise<void> {
  if (!bare) {
    await using store = openStore(database);
    await makeIndexes(database, store);
    await jobs(database).insertMany(pending(3));
  }
  await setUp(database);
}

for (const [what, spec] of Object.entries(BROKEN)) {
  Deno.test(`doctor finds ${what}, and what it prints mends it`, async () => {
    await using database = await testDatabase("doctor");
    await broken(database, spec);
    await using patient = await Patient.of(database, spec.env);
    const [finding] = await patient.findings(spec.is);
    assert(finding, JSON.stringify(await patient.diagnose(), undefined, 1));
    assertEquals([finding.level, spec.says.test(finding.says)], [spec.level, true], finding.says);
    for (const each of await patient.findings(spec.is)) await patient.mend(each, database.client);
    assertEquals(await patient.findings(spec.is), []);
  });
}

Deno.test("doctor finds nothing about a set-up that is sound, and writes nothing", async () => {
  await using database = await testDatabase("doctor");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await jobs(database).insertMany(pending(3));
  await using patient = await Patient.of(database);
  console.log(JSON.stringify(await patient.diagnose(), undefined, 1));
});
void LETTERS;
export type X = Document;
