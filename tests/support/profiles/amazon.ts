import type { Document } from "bson";
import {
  type Command,
  hasVariable,
  operatorIn,
  operatorOfPartialIndex,
  type Profile,
  queriesOf,
  type Row,
  stageIn,
} from "./profile.ts";

const COMPAT = "LibreChat misc/documentdb/documentdb-compat.md, a 5.0.0 cluster, 2026-08-30";
const APIS = "Amazon DocumentDB Developer Guide, Supported MongoDB APIs";

/** Stages that the engine of 5.0 lacks and that an agent could want. */
const STAGES_MISSING_IN_5 = new Set([
  "$merge",
  "$replaceWith",
  "$set",
  "$unset",
  "$facet",
  "$unionWith",
  "$bucket",
]);
const STAGES_MISSING_IN_8 = new Set(["$facet", "$unionWith"]);
const OPERATORS_MISSING_IN_5 = new Set([
  "$bsonSize",
  "$binarySize",
  "$dateTrunc",
  "$getField",
  "$isNumber",
  "$round",
]);
/** What a partial index may have. */
const OF_PARTIAL_INDEXES = new Set(["$eq", "$exists", "$and", "$gt", "$gte", "$lt", "$lte"]);

const NO_NOW: Row = {
  what: "the variable `$$NOW`",
  basis: "assumed",
  source: `${COMPAT}: seen for $$REMOVE. ${APIS}: $$NOW is not among the system variables`,
  shows: {
    refuses: (command) => queriesOf(command).some((part) => hasVariable(part, "$$NOW")),
    with: { code: 303, errmsg: "Feature not supported: $$NOW" },
  },
};

const NO_STREAMS_UNTIL_ENABLED: Row = {
  what: "change streams, until they are enabled for the collection",
  basis: "seen",
  source:
    "Amazon DocumentDB Developer Guide, Using change streams; the connectors of other projects look for this code and text",
  shows: {
    refuses: (command, { streams }) => isStream(command) && !streams.has(placeOf(command)),
    with: {
      code: 136,
      errmsg: "modifyChangeStreams has not been run for this collection/database/cluster",
    },
  },
};

/** What the database command of the Developer Guide does. */
const ENABLES_STREAMS: Row = {
  what: "`modifyChangeStreams` to enable change streams",
  basis: "documented",
  source: "Amazon DocumentDB Developer Guide, Using change streams",
  shows: {
    answers: ({ name, body }, { streams }) => {
      if (name !== "modifyChangeStreams") return undefined;
      const place = `${body.database}.${body.collection}`;
      if (body.enable === true) streams.add(place);
      else streams.delete(place);
      return { ok: 1 };
    },
  },
};

const NO_UPDATE_DESCRIPTION: Row = {
  what: "`updateDescription` in the events of a change stream",
  basis: "documented",
  source:
    "Amazon DocumentDB Developer Guide, Using change streams; a migration verifier found none on 5.0.0, 2026-09-01",
  shows: { means: (command) => isStream(command) ? withoutUpdateDescription(command.body) : undefined },
};

const NO_PIPELINE_UPDATES: Row = {
  what: "updates by a pipeline",
  basis: "seen",
  source: COMPAT,
  shows: {
    refuses: ({ name, body }) =>
      name === "update" && (body.updates as Document[]).some(({ u }) => Array.isArray(u)) ||
      name === "findAndModify" && Array.isArray(body.update),
    with: { code: 9, errmsg: "Failed to parse update: field must be of BSON type object" },
  },
};

const NO_IN_PARTIAL_INDEX: Row = {
  what: "`$in` in a partial index",
  basis: "assumed",
  source: "Amazon DocumentDB Developer Guide, Partial index: its list of operators; the code is assumed",
  shows: {
    refuses: (command) => operatorOfPartialIndex(command, OF_PARTIAL_INDEXES),
    with: { code: 303, errmsg: "Feature not supported: {} in partialFilterExpression" },
  },
};

const ONE_INDEX_BUILD: Row = {
  what: "two index builds on one collection at a time",
  basis: "seen",
  source: "LibreChat packages/data-schemas/src/utils/retry.ts; Percona and Trivy exporters look for the text",
  shows: {
    refuses: (command, { building }) => command.name === "createIndexes" && building.has(placeOf(command)),
    with: {
      code: 40333,
      errmsg: "Existing index build in progress on the same collection. " +
        "Collection is limited to a single index build at a time.",
    },
  },
};

const NO_CAPPED: Row = {
  what: "capped collections",
  basis: "seen",
  source: "A migration verifier on 5.0.0, 2026-09-01",
  shows: {
    refuses: ({ name, body }) => name === "create" && body.capped === true,
    with: { code: 303, errmsg: "Feature not supported: capped:true" },
  },
};

const NO_RETRYABLE_WRITES: Row = {
  what: "retryable writes",
  basis: "documented",
  source: "Amazon DocumentDB Developer Guide, Functional differences: Retryable writes",
  shows: {
    // A transaction has a number as well.
    refuses: ({ body }) => body.txnNumber !== undefined && body.autocommit === undefined,
    with: { code: 9, errmsg: "Unrecognized field: 'txnNumber'" },
  },
};

const NO_COLLATIONS: Row = {
  what: "`collation` of all commands",
  basis: "seen",
  source: "theopenconversationkit/tock#1208, mingo-app/mingo#575",
  shows: {
    refuses: ({ body }) =>
      [body, ...body.updates ?? [], ...body.deletes ?? []].some(({ collation }) => collation !== undefined),
    with: { code: 303, errmsg: "option collation is currently not supported" },
  },
};

const COMMON = [
  NO_NOW,
  NO_STREAMS_UNTIL_ENABLED,
  ENABLES_STREAMS,
  NO_UPDATE_DESCRIPTION,
  NO_PIPELINE_UPDATES,
  NO_IN_PARTIAL_INDEX,
  ONE_INDEX_BUILD,
  NO_CAPPED,
];

/** Amazon DocumentDB 5.0, a cluster with instances. */
export const AMAZON_5: Profile = {
  name: "amazon-5.0",
  title: "Amazon DocumentDB 5.0",
  hello: (real, address) => amazonHello(real, address, 13),
  buildInfo: { version: "5.0.0", versionArray: [5, 0, 0, 0], ok: 1 },
  hides: new Set(["$clusterTime"]),
  uriOptions: "replicaSet=rs0",
  rows: [
    NO_RETRYABLE_WRITES,
    NO_COLLATIONS,
    ...COMMON,
    {
      what: "the operator `$bsonSize`",
      basis: "documented",
      source: `${APIS}; the code and the text are those of metabase#13080`,
      shows: {
        refuses: (command) => operatorIn(queriesOf(command), OPERATORS_MISSING_IN_5),
        with: { code: 305, errmsg: "Aggregation project operator not supported: '{}'" },
      },
    },
    {
      what: "the stages `$merge`, `$replaceWith`, `$set` and `$unset`",
      basis: "documented",
      source: `${APIS}; the code and the text are those of huggingface/chat-ui#268 and of ${COMPAT}`,
      shows: {
        refuses: (command) => stageIn(command, STAGES_MISSING_IN_5),
        with: { code: 304, errmsg: "Aggregation stage not supported: '{}'" },
      },
    },
  ],
};

/** Amazon DocumentDB 8.0 from the patch 8.0.2 on, a cluster with instances. */
export const AMAZON_8: Profile = {
  name: "amazon-8.0",
  title: "Amazon DocumentDB 8.0",
  hello: (real, address) => amazonHello(real, address, 25),
  buildInfo: { version: "8.0.0", versionArray: [8, 0, 0, 0], ok: 1 },
  hides: new Set(["$clusterTime"]),
  uriOptions: "replicaSet=rs0",
  rows: [
    // Seen on 5.0 only.
    ...COMMON.map((row): Row => row.basis === "seen" ? { ...row, basis: "assumed" } : row),
    {
      what: "`$merge` with a pipeline for documents that are there",
      basis: "documented",
      source:
        "Amazon DocumentDB Developer Guide, $merge: whenMatched is a word; the code and the text are assumed",
      shows: {
        refuses: ({ name, body }) =>
          name === "aggregate" &&
          (body.pipeline as Document[]).some(({ $merge }) => Array.isArray($merge?.whenMatched)),
        with: { code: 303, errmsg: "Feature not supported: $merge whenMatched pipeline" },
      },
    },
    {
      what: "the stages `$facet` and `$unionWith`",
      basis: "documented",
      source: APIS,
      shows: {
        refuses: (command) => stageIn(command, STAGES_MISSING_IN_8),
        with: { code: 304, errmsg: "Aggregation stage not supported: '{}'" },
      },
    },
  ],
};

function amazonHello(
  { localTime, connectionId }: Document,
  address: string,
  maxWireVersion: number,
): Document {
  return {
    ismaster: true,
    isWritablePrimary: true,
    secondary: false,
    setName: "rs0",
    setVersion: 1,
    hosts: [address],
    primary: address,
    me: address,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime,
    connectionId,
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion,
    readOnly: false,
    ok: 1,
  };
}

/** Whether a command opens a change stream. */
export function isStream(command: Command): boolean {
  return stageIn(command, new Set(["$changeStream"])) !== undefined;
}

/** A change stream whose events do not tell what an update has changed. */
export function withoutUpdateDescription(body: Document): Document {
  const [stream, ...rest] = body.pipeline as Document[];
  return { ...body, pipeline: [stream, { $project: { updateDescription: 0 } }, ...rest] };
}

function placeOf({ body, collection }: Command): string {
  return `${body.$db}.${collection}`;
}
