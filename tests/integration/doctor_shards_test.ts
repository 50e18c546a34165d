import { assertEquals, assertMatch } from "@std/assert";
import { ObjectId, UUID } from "mongodb";
import { Patient } from "../support/doctor.ts";
import { Guarded } from "../support/guarded.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { SHARDED_6 } from "../support/profiles/sharded.ts";
import { type AnyDocument, jobs, LETTERS } from "../support/store.ts";

/** What a cluster keeps about a collection, and what is found of it. */
interface Case {
  what: string;
  id?: () => unknown;
  entry?: Record<string, unknown> | undefined;
  letters?: Record<string, unknown>;
  is: readonly string[];
  says?: RegExp;
  version?: string;
}

const SHARDED = { lastmod: new Date(), unique: false };
const CASES: readonly Case[] = [
  { what: "a collection that is on one shard", is: [] },
  { what: "one that was dropped", entry: { ...SHARDED, key: { status: 1 }, dropped: true }, is: [] },
  {
    what: "one that is on another shard, as MongoDB 8 keeps it",
    entry: { ...SHARDED, key: { _id: 1 }, unsplittable: true },
    is: [],
  },
  { what: "the hashed _id", entry: { ...SHARDED, key: { _id: "hashed" } }, is: [] },
  { what: "an _id by chance", id: () => new UUID(), entry: { ...SHARDED, key: { _id: 1 } }, is: [] },
  {
    what: "an _id that rises with time",
    entry: { ...SHARDED, key: { _id: 1 } },
    is: ["shard_key_rises"],
    says: /^jobs is sharded by {"_id":1}, and _id rises with time: one of 3 shards has what waits$/,
  },
  {
    what: "a date",
    entry: { ...SHARDED, key: { "made.at": 1, _id: 1 } },
    is: ["shard_key_rises"],
    says: /made\.at rises with time/,
  },
  {
    what: "another field",
    entry: { ...SHARDED, key: { tenant: 1 } },
    is: ["shard_key_elsewhere"],
    says: /go to all 3 shards; two shards may hold the same _id/,
  },
  {
    what: "a field that agents write",
    entry: { ...SHARDED, key: { tenant: 1, "_pull.visible_at": 1 } },
    is: ["shard_key_written"],
    says: /and the agent writes _pull\.visible_at$/,
  },
  { what: "the status", entry: { ...SHARDED, key: { status: "hashed" } }, is: ["shard_key_written"] },
  {
    what: "letters by another field than their _id",
    letters: { ...SHARDED, key: { "source.collection": 1 } },
    is: ["letters_shard_key"],
    says: /^jobs_dead_letters is sharded by {"source.collection":1}/,
  },
  { what: "letters by their _id", letters: { ...SHARDED, key: { _id: 1 } }, is: [] },
];

const OURS = /^(shard_key|letters_shard)/;

Deno.test("doctor judges the shard keys of a cluster, and prints how to change a bad one", async () => {
  await using server = new ProfileServer(SHARDED_6);
  await using database = server.database();
  const config = database.client.db("config");
  const shards = config.collection<AnyDocument>("shards");
  const collections = config.collection<AnyDocument>("collections");
  const of = (collection: string) => `${database.name}.${collection}`;
  await shards.insertMany(["a", "b", "c"].map((_id) => ({ _id })));
  try {
    for (const { entry, id = () => new ObjectId(), is, letters, says, what } of CASES) {
      await jobs(database).deleteMany({});
      await jobs(database).insertOne({
        _id: id() as never,
        status: "pending",
        tenant: 7,
        made: { at: new Date() },
      });
      await collections.deleteMany({ _id: { $in: [of("jobs"), of(LETTERS)] } });
      if (entry) await collections.insertOne({ _id: of("jobs"), ...entry });
      if (letters) await collections.insertOne({ _id: of(LETTERS), ...letters });
      await using patient = await Patient.of({ uri: server.uri, name: database.name });
      const { fine, findings } = await patient.diagnose();
      const found = findings.filter(({ is }) => OURS.test(is));
      assertEquals(found.map(({ is }) => is), is, what);
      assertEquals(fine.some(({ concern }) => concern === "shards"), is.length === 0, what);
      if (says) assertMatch(found[0]!.says, says);
      const collection = letters ? LETTERS : "jobs";
      for (const { steps } of found) {
        assertEquals(steps.filter(({ tool }) => tool === "mongosh").map(({ text }) => text), [
          `db.getSiblingDB("${database.name}").runCommand({ createIndexes: "${collection}", ` +
          'indexes: [{ key: { _id: "hashed" }, name: "_id_hashed" }] })',
          'db.getSiblingDB("admin").runCommand({ reshardCollection: ' +
          `"${of(collection)}", key: { _id: "hashed" } })`,
        ], what);
        // The cluster itself is none: so only the first of them can be run.
        await patient.mend(
          { steps: steps.filter(({ text }) => text.includes("createIndexes")) },
          database.client,
        );
      }
    }
  } finally {
    await shards.drop();
    await collections.drop();
  }
});

Deno.test("doctor says which right shows the shard keys, and finds nothing about shards in a replica set", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUser("s3cr3t-Passw0rd");
  await using server = new ProfileServer(SHARDED_6, guarded.uri("s3cr3t-Passw0rd"));
  const uri = new URL(guarded.uri("s3cr3t-Passw0rd"));
  const diagnose = async (uri: string) => {
    await using patient = await Patient.of({ uri, name: "shop" });
    return await patient.diagnose();
  };
  uri.searchParams.delete("replicaSet");
  uri.host = new URL(server.uri).host;
  const { unseen } = await diagnose(uri.href);
  const [shards] = unseen.filter(({ concern }) => concern === "shards");
  assertEquals(
    shards?.why,
    'This user may not read the shard keys: grant it the action find on { db: "config", collection: "" }',
  );
  const { fine } = await diagnose(guarded.uri("s3cr3t-Passw0rd"));
  assertEquals(fine.some(({ concern }) => concern === "shards"), true);
});
