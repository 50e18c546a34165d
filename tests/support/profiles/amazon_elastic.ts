import { isStream } from "./amazon.ts";
import { CLUSTER_TIME, operatorIn, type Profile, queriesOf } from "./profile.ts";

const LIMITS = "Amazon DocumentDB Developer Guide, Elastic clusters: limitations";

/** An elastic cluster, which shards by itself. */
export const AMAZON_ELASTIC: Profile = {
  name: "amazon-elastic",
  title: "Amazon DocumentDB, elastic cluster",
  hello: ({ localTime, connectionId }) => ({
    ismaster: true,
    isWritablePrimary: true,
    msg: "isdbgrid",
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime,
    connectionId,
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 13,
    ok: 1,
  }),
  buildInfo: { version: "5.0.0", versionArray: [5, 0, 0, 0], ok: 1 },
  hides: CLUSTER_TIME,
  uriOptions: "",
  rows: [
    {
      what: "the operator `$expr`",
      basis: "documented",
      source: `${LIMITS}; the code is assumed`,
      shows: {
        refuses: (command) => operatorIn(queriesOf(command), new Set(["$expr"])),
        with: { code: 303, errmsg: "Feature not supported: {}" },
      },
    },
    {
      what: "change streams",
      basis: "documented",
      source: `${LIMITS}; the code is assumed`,
      shows: {
        refuses: isStream,
        with: { code: 303, errmsg: "Feature not supported: $changeStream" },
      },
    },
    {
      what: "partial and unique indexes",
      basis: "documented",
      source: `${LIMITS}; the code is assumed`,
      shows: {
        refuses: ({ name, body }) =>
          name === "createIndexes" &&
          body.indexes.some((index: Record<string, unknown>) =>
            index.partialFilterExpression !== undefined || index.unique === true
          ),
        with: { code: 303, errmsg: "Feature not supported: index options" },
      },
    },
    {
      what: "retryable writes and transactions",
      basis: "documented",
      source: `${LIMITS}; the text is that of instance-based clusters`,
      shows: {
        refuses: ({ body }) => body.txnNumber !== undefined,
        with: { code: 9, errmsg: "Unrecognized field: 'txnNumber'" },
      },
    },
  ],
};
