import type { Document } from "bson";
import { type Command, type Profile, stageIn } from "./profile.ts";

/** The field by which the collections of documents are sharded; those of letters are not. */
const SHARD_KEY = "tenant";

/** A sharded cluster of MongoDB 6.0, as a `mongos` shows it. */
export const SHARDED_6: Profile = {
  name: "sharded-6.0",
  title: "MongoDB 6.0, sharded",
  hello: mongosHello,
  buildInfo: {
    version: "6.0.27",
    versionArray: [6, 0, 27, 0],
    bits: 64,
    maxBsonObjectSize: 16_777_216,
    ok: 1,
  },
  hides: new Set(),
  uriOptions: "",
  rows: [
    {
      what: "`findAndModify` without the shard key, before 7.1",
      basis: "source",
      source: "mongodb/mongo cluster_find_and_modify_cmd.cpp; the text is in many reports",
      shows: {
        refuses: (command) =>
          command.name === "findAndModify" && isSharded(command) && !hasShardKey(command.body.query),
        with: {
          code: 61,
          codeName: "ShardKeyNotFound",
          errmsg: "Query for sharded findAndModify must contain the shard key",
        },
      },
    },
    {
      what: "an update of one document without its `_id` or the shard key, before 7.1",
      basis: "source",
      source: "mongodb/mongo chunk_manager_targeter.cpp",
      shows: {
        refuses: (command) =>
          command.name === "update" && isSharded(command) &&
          (command.body.updates as Document[]).some(({ multi, q }) =>
            multi !== true && !hasShardKey(q) && !namesOneId(q)
          ),
        with: {
          code: 72,
          codeName: "InvalidOptions",
          errmsg:
            "A {multi:false} update on a sharded collection must contain an exact match on _id (permitting a " +
            "broadcast), or contain the shard key (and have the simple collation).",
        },
      },
    },
    {
      what: "an upsert without the shard key",
      basis: "source",
      source: "mongodb/mongo chunk_manager_targeter.cpp",
      shows: {
        refuses: (command) =>
          command.name === "update" && isSharded(command) &&
          (command.body.updates as Document[]).some(({ q, upsert }) => upsert === true && !hasShardKey(q)),
        with: {
          code: 61,
          codeName: "ShardKeyNotFound",
          errmsg: "Failed to target upsert by query :: could not extract exact shard key",
        },
      },
    },
    {
      what: "a unique index without the shard key in front",
      basis: "documented",
      source: "MongoDB Manual, Unique indexes: Sharded clusters and unique indexes",
      shows: {
        refuses: (command) =>
          command.name === "createIndexes" && isSharded(command) &&
          (command.body.indexes as Document[]).some(({ key, unique }) =>
            unique === true && Object.keys(key)[0] !== SHARD_KEY
          ),
        with: {
          code: 67,
          codeName: "CannotCreateIndex",
          errmsg: "cannot create unique index over {} with shard key pattern { tenant: 1.0 }",
        },
      },
    },
    {
      what: "the stage `$out` into a sharded collection",
      basis: "documented",
      source: "MongoDB Manual, $out",
      shows: {
        refuses: (command) => stageIn(command, new Set(["$out"])),
        with: { code: 28769, codeName: "Location28769", errmsg: "is sharded so it can't be used for $out" },
      },
    },
  ],
};

function mongosHello({ connectionId, localTime, topologyVersion }: Document): Document {
  return {
    topologyVersion,
    isWritablePrimary: true,
    ismaster: true,
    msg: "isdbgrid",
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime,
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion: 17,
    ok: 1,
  };
}

function isSharded({ collection }: Command): boolean {
  return !collection.endsWith("_dead_letters");
}

function hasShardKey(query: Document | undefined): boolean {
  return query?.[SHARD_KEY] !== undefined || (Array.isArray(query?.$and) && query.$and.some(hasShardKey));
}

/** Whether a query asks for one `_id`, by itself or by `$eq`, also within an `$and`. */
function namesOneId({ $and, _id }: Document): boolean {
  if (Array.isArray($and) && $and.some(namesOneId)) return true;
  if (_id === undefined) return false;
  if (_id === null || typeof _id !== "object" || Object.getPrototypeOf(_id) !== Object.prototype) return true;
  const [operator] = Object.keys(_id);
  return operator === "$eq" || !operator?.startsWith("$");
}
