/** What an agent does, as the table of servers names it. */
export const CHECK_NAMES = [
  "claims",
  "retries",
  "leases",
  "suspects",
  "dead letters",
  "redrive",
  "requeue, cancel, why",
  "pick-up",
  "effect writes",
] as const;
export type CheckName = typeof CHECK_NAMES[number];

/** A line of the table of servers. */
export interface ServerLine {
  readonly server: string;
  /** `run`: on the server itself; `profile`: on a real MongoDB that refuses what the server refuses; `reading`: not at all. */
  readonly basis: "run" | "profile" | "reading";
  /** The name of the profile. */
  readonly profile?: string;
  /** What does not simply work, in a word. */
  readonly differs: Partial<Record<CheckName, string>>;
  /** What a user has to know. */
  readonly note: string;
}

const POLLING = { "pick-up": "polling" };
const NO_EFFECTS = { "effect writes": "no" };

/** Each is checked by a test, except what is only read. */
export const SERVER_LINES: readonly ServerLine[] = [
  {
    server: "MongoDB 4.4.2",
    basis: "run",
    differs: {},
    note:
      "Past its end of life. The index holds finished documents too. A document with names that begin with a dollar gets " +
      "a dead letter by reference, because this server refuses such names when the copy is written",
  },
  {
    server: "MongoDB 5.0.4",
    basis: "run",
    differs: {},
    note: "Past its end of life. The index holds finished documents too",
  },
  { server: "MongoDB 6.0.5, 6.0.27", basis: "run", differs: {}, note: "Past its end of life" },
  {
    server: "MongoDB 7.0, 8.0",
    basis: "reading",
    differs: {},
    note: "The workflow of the repository runs all tests on them; its results stand there, not here",
  },
  {
    server: "MongoDB, one server without a replica set",
    basis: "run",
    differs: { ...POLLING, ...NO_EFFECTS },
    note: "",
  },
  {
    server: "MongoDB 6.0, sharded",
    basis: "profile",
    profile: "sharded-6.0",
    differs: {},
    note: "Writes of one document name its `_id` and go to all shards",
  },
  {
    server: "Amazon DocumentDB 5.0",
    basis: "profile",
    profile: "amazon-5.0",
    differs: POLLING,
    note:
      "Write `retryWrites=false` into the connection string: without it the agent finds that out, and each start connects " +
      "twice. Change streams have to be enabled for the collection. Their events do not tell what an update has changed: " +
      "the server looks up each updated document",
  },
  {
    server: "Amazon DocumentDB 8.0",
    basis: "profile",
    profile: "amazon-8.0",
    differs: POLLING,
    note: "As 5.0; retryable writes from 8.0.2 on",
  },
  {
    server: "DocumentDB (open source) 0.107",
    basis: "profile",
    profile: "documentdb-0.107",
    differs: POLLING,
    note: "",
  },
  {
    server: "Azure DocumentDB",
    basis: "profile",
    profile: "azure",
    differs: { "pick-up": "stream" },
    note: "",
  },
  {
    server: "FerretDB 2.7",
    basis: "profile",
    profile: "ferretdb-2.7",
    differs: { ...POLLING, ...NO_EFFECTS },
    note: "",
  },
];
