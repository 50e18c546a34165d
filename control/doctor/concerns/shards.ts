import type { DatabaseFacts } from "../../../agent/store/doctor/database_facts.ts";
import type { ShardKey } from "../../../agent/store/doctor/shard_keys.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { databaseConcern, type Step } from "../concern.ts";
import { ifSeen } from "../examined.ts";
import { byHand, runCommands } from "../steps.ts";

/** The key that suits the agent: each write names an `_id`, and new documents go to all shards. */
const GOOD_KEY = { _id: "hashed" } as const;

/** Fields that agents write, beside `_pull`. */
const WRITTEN: readonly string[] = ["status", "processed_at", "error"];

/** How a cluster divides the collections. */
export const shards = databaseConcern({
  name: "shards",
  doc: "the shard keys of the collections, in a sharded cluster",
  findings: {
    shard_key_written: {
      level: "stops",
      doc: "The agent writes a field of the shard key, which MongoDB refuses: no document can be claimed.",
    },
    letters_shard_key: {
      level: "hurts",
      doc: "MongoDB refuses a dead letter: its document waits with its verdict, and is never `failed`.",
    },
    shard_key_rises: {
      level: "hurts",
      doc: "All new documents go to one shard, which does all the work: more shards bring nothing.",
    },
    shard_key_elsewhere: {
      level: "note",
      doc: "Each write of the agent goes to all shards, as it names `_id` alone.",
    },
  },
  *look({ names, shards, ...database }) {
    if (shards === undefined) return;
    if (shards instanceof Unseen) {
      return yield shards.isForbidden ? MAY_NOT_READ : shards;
    }
    const { letters, source } = shards;
    if (letters && firstOf(letters) !== "_id") {
      yield {
        is: "letters_shard_key",
        says: `${names.letters} is sharded by ${keyText(letters)}, and a letter is written by its _id`,
        steps: reshard(names.letters, { names, ...database }),
      };
    }
    if (source === undefined) return;
    const says = `${names.source} is sharded by ${keyText(source)}`;
    const steps = reshard(names.source, { names, ...database });
    const written = Object.keys(source.key).find(isWritten);
    if (written !== undefined) {
      return yield { is: "shard_key_written", says: `${says}, and the agent writes ${written}`, steps };
    }
    if (source.rising !== undefined) {
      yield {
        is: "shard_key_rises",
        says: `${says}, and ${source.rising} rises with time: one of ${shards.shards} shards has what waits`,
        steps,
      };
    } else if (firstOf(source) !== "_id") {
      yield {
        is: "shard_key_elsewhere",
        says:
          `${says}: the agent's writes name _id, and go to all ${shards.shards} shards; two shards may hold the ` +
          "same _id, which only you can rule out",
        steps,
      };
    }
  },
});

const MAY_NOT_READ = new Unseen(
  'This user may not read the shard keys: grant it the action find on { db: "config", collection: "" }',
  { isForbidden: true },
);

function firstOf({ key }: ShardKey): string | undefined {
  return Object.keys(key)[0];
}

function isWritten(field: string): boolean {
  return WRITTEN.includes(field) || field === "_pull" || field.startsWith("_pull.");
}

function keyText({ key }: ShardKey): string {
  return JSON.stringify(key);
}

/** MongoDB has this since 5.0. */
const RESHARDS_FROM = 5;

function reshard(collection: string, { names, version }: Pick<DatabaseFacts, "names" | "version">): Step[] {
  const [major] = (ifSeen(version) ?? "").split(".");
  const advice = byHand(
    "read docs/scaling.md#when-to-shard first: this copies the collection, and holds writes for up to two seconds at its end",
  );
  if (Number(major) < RESHARDS_FROM) {
    return [byHand(
      `MongoDB ${major} cannot change a shard key: copy the documents to a collection that is sharded by ` +
        `${JSON.stringify(GOOD_KEY)}, and rename it`,
    )];
  }
  const namespace = `${names.database}.${collection}`;
  return [
    advice,
    runCommands(names.database, {
      createIndexes: collection,
      indexes: [{ key: GOOD_KEY, name: "_id_hashed" }],
    }),
    runCommands("admin", { reshardCollection: namespace, key: GOOD_KEY }),
  ];
}
