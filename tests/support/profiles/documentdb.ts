import { Long } from "bson";
import type { Document } from "bson";
import { isStream, withoutUpdateDescription } from "./amazon.ts";
import {
  CLUSTER_TIME,
  hasVariable,
  operatorOfPartialIndex,
  type Profile,
  queriesOf,
  type Row,
} from "./profile.ts";

/** What a partial index of the engine may have. */
const OF_PARTIAL_INDEXES = new Set(["$eq", "$exists", "$and", "$gt", "$gte", "$lt", "$lte", "$type"]);
const WRITES: ReadonlySet<string> = new Set(["update", "delete", "findAndModify"]);

/** What every gateway in front of the engine has in common, FerretDB 2 among them. */
export const ENGINE: readonly Row[] = [
  {
    what: "`$$NOW` in the filter of a write",
    basis: "source",
    source: "documentdb/documentdb update.c and find_and_modify.c, the newest: they pass no time variables",
    shows: {
      refusesWrite: ({ q }) => hasVariable(q, "$$NOW"),
      with: { code: 17276, codeName: "Location17276", errmsg: "Use of undefined variable: NOW" },
    },
  },
  {
    what: "`$$NOW` in the filter of `findAndModify`",
    basis: "source",
    source: "documentdb/documentdb find_and_modify.c, the newest",
    shows: {
      refuses: (command) =>
        command.name === "findAndModify" && queriesOf(command).some((part) => hasVariable(part, "$$NOW")),
      with: { code: 17276, codeName: "Location17276", errmsg: "Use of undefined variable: NOW" },
    },
  },
  {
    what: "`hint` of `findAndModify`",
    basis: "seen",
    source: "FerretDB/FerretDB#2256, 2025-03-02; documentdb/documentdb find_and_modify.c",
    shows: {
      refuses: ({ name, body }) => name === "findAndModify" && body.hint !== undefined,
      with: {
        code: 115,
        codeName: "CommandNotSupported",
        errmsg: "findAndModify.hint is not implemented yet",
      },
    },
  },
  {
    what: "`collation` of an update",
    basis: "source",
    source: "documentdb/documentdb update.c, the newest",
    shows: {
      refuses: ({ name, body }) =>
        name === "update" && (body.updates as Document[]).some(({ collation }) => collation !== undefined),
      with: {
        code: 115,
        codeName: "CommandNotSupported",
        errmsg: "BSON field 'update.updates.collation' is not yet supported",
      },
    },
  },
  {
    what: "`hint` of an update: it is not looked at",
    basis: "source",
    source: "documentdb/documentdb update.c, the newest",
    shows: { ignores: "hint" },
  },
  {
    what: "`$in` in a partial index",
    basis: "source",
    source: "documentdb/documentdb create_indexes.c",
    shows: {
      refuses: (command) => operatorOfPartialIndex(command, OF_PARTIAL_INDEXES),
      with: {
        code: 67,
        codeName: "CannotCreateIndex",
        errmsg: "unsupported expression in partial index: {}",
      },
    },
  },
  {
    what: "`$merge` with a pipeline for documents that are there",
    basis: "source",
    source: "documentdb/documentdb bson_aggregation_output_pipeline.c",
    shows: {
      refuses: ({ name, body }) =>
        name === "aggregate" &&
        (body.pipeline as Document[]).some(({ $merge }) => Array.isArray($merge?.whenMatched)),
      with: {
        code: 115,
        codeName: "CommandNotSupported",
        errmsg:
          "merge, pipeline and Let option not supported yet in whenMatched field of $merge aggreagtion stage",
      },
    },
  },
];

/** An engine without change streams. */
export const NO_STREAMS: Row = {
  what: "change streams",
  basis: "seen",
  source:
    "documentdb/documentdb#423 has this text for another stage; seen with FerretDB 2.7 and documentdb-local, 2026",
  shows: {
    refuses: isStream,
    with: {
      code: 115,
      codeName: "CommandNotSupported",
      errmsg: "Stage $changeStream is not supported yet in native pipeline",
    },
  },
};

const LOCAL_TIME: Row = {
  what: "`hello.localTime` as a date: it is a whole number",
  basis: "source",
  source: "documentdb/documentdb pg_documentdb_gw ismaster.rs, the newest",
  // The profile's own hello shows it.
  shows: { answers: () => undefined },
};

const NO_NOW_IN_READS: Row = {
  what: "`$$NOW` in a query",
  basis: "source",
  source: "documentdb/documentdb: enableNowSystemVariable is off by default before 0.108",
  shows: {
    refuses: (command) =>
      !WRITES.has(command.name) && queriesOf(command).some((part) => hasVariable(part, "$$NOW")),
    with: { code: 17276, codeName: "Location17276", errmsg: "Use of undefined variable: NOW" },
  },
};

/** The open-source engine 0.107 behind its own gateway. */
export const DOCUMENTDB_OSS: Profile = {
  name: "documentdb-0.107",
  title: "DocumentDB (open source) 0.107",
  hello: (real) => gatewayHello(real, 21, {}),
  buildInfo: { version: "7.0.0", versionArray: [7, 0, 0, 0], bits: 64, maxBsonObjectSize: 16_777_216, ok: 1 },
  hides: CLUSTER_TIME,
  uriOptions: "",
  rows: [LOCAL_TIME, NO_NOW_IN_READS, ...ENGINE, NO_STREAMS],
};

/** The managed service, with the preview of change streams on. */
export const AZURE: Profile = {
  name: "azure",
  title: "Azure DocumentDB",
  hello: (real) => gatewayHello(real, 25, { documentdb_versions: ["0.108-0"] }),
  buildInfo: { version: "8.0.0", versionArray: [8, 0, 0, 0], bits: 64, maxBsonObjectSize: 16_777_216, ok: 1 },
  hides: CLUSTER_TIME,
  uriOptions: "",
  rows: [
    { ...LOCAL_TIME, basis: "assumed", source: `${LOCAL_TIME.source}; Azure's own gateway is not public` },
    ...ENGINE,
    {
      what: "`updateDescription` in the events of a change stream",
      basis: "documented",
      source: "Microsoft Learn, Change streams in Azure DocumentDB; PowerSync, Azure DocumentDB limitations",
      shows: { means: (command) => isStream(command) ? withoutUpdateDescription(command.body) : undefined },
    },
  ],
};

function gatewayHello(
  { localTime, connectionId }: Document,
  maxWireVersion: number,
  internal: Document,
): Document {
  return {
    isWritablePrimary: true,
    ismaster: true,
    msg: "isdbgrid",
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 25_000,
    localTime: Long.fromNumber((localTime as Date).getTime()),
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion,
    readOnly: false,
    connectionId,
    saslSupportedMechs: ["SCRAM-SHA-256"],
    internal,
    ok: 1,
  };
}
