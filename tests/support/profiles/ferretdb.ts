import type { Document } from "bson";
import { ENGINE, NO_STREAMS } from "./documentdb.ts";
import { CLUSTER_TIME, operatorIn, type Profile, queriesOf } from "./profile.ts";

const SPIKE = "A compatibility spike with FerretDB 2.7.0 and its engine 0.107.0, published in 2026";
const TRANSACTION_COMMANDS = new Set(["commitTransaction", "prepareTransaction"]);

/** FerretDB 2.7 on the engine 0.107, set up as its makers say: with `$$NOW` in reads. */
export const FERRETDB_2: Profile = {
  name: "ferretdb-2.7",
  title: "FerretDB 2.7",
  hello: (real) => ferretHello(real, 21),
  buildInfo: {
    version: "7.0.77",
    gitVersion: "16bdb26ee8109b90f5d326320a474062f79aad56",
    modules: [],
    versionArray: [7, 0, 77, 0],
    bits: 64,
    maxBsonObjectSize: 16_777_216,
    ferretdb: { version: "v2.7.0", package: "docker" },
    ok: 1,
  },
  hides: CLUSTER_TIME,
  uriOptions: "",
  rows: [
    ...ENGINE,
    NO_STREAMS,
    {
      what: "transactions: their writes stay, and the commit fails",
      basis: "seen",
      source: SPIKE,
      shows: {
        refuses: ({ name }) => TRANSACTION_COMMANDS.has(name) && name,
        with: { code: 59, codeName: "CommandNotFound", errmsg: "no such command: '{}'" },
      },
    },
    {
      what: "`abortTransaction`: it does nothing",
      basis: "seen",
      source: SPIKE,
      shows: { answers: ({ name }) => name === "abortTransaction" ? { ok: 1 } : undefined },
    },
    {
      what: "the number of a transaction: it is not looked at",
      basis: "seen",
      source: SPIKE,
      shows: {
        means: ({ body }) => {
          if (body.txnNumber === undefined) return undefined;
          const { txnNumber: _, startTransaction: __, autocommit: ___, ...rest } = body;
          return rest;
        },
      },
    },
  ],
};

/** FerretDB 1.24, which is retired. */
export const FERRETDB_1: Profile = {
  name: "ferretdb-1.24",
  title: "FerretDB 1.24",
  hello: (real) => ferretHello(real, 21),
  buildInfo: { version: "7.0.42", versionArray: [7, 0, 42, 0], ferretdbVersion: "v1.24.0", ok: 1 },
  hides: CLUSTER_TIME,
  uriOptions: "",
  rows: [
    {
      what: "the operator `$expr`",
      basis: "documented",
      source: "FerretDB/FerretDB#414, which is open",
      shows: {
        refuses: (command) => operatorIn(queriesOf(command), new Set(["$expr"])),
        with: { code: 2, codeName: "BadValue", errmsg: "unknown top level operator: {}" },
      },
    },
    {
      what: "change streams",
      basis: "documented",
      source: "FerretDB/FerretDB#175, which is open",
      shows: {
        refuses: ({ name, body }) => name === "aggregate" && "$changeStream" in (body.pipeline[0] ?? {}),
        with: {
          code: 238,
          codeName: "NotImplemented",
          errmsg: '`aggregate` stage "$changeStream" is not implemented yet',
        },
      },
    },
  ],
};

function ferretHello({ localTime, connectionId }: Document, maxWireVersion: number): Document {
  return {
    isWritablePrimary: true,
    ismaster: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime,
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion,
    readOnly: false,
    ok: 1,
  };
}
