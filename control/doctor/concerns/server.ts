import type { DatabaseFacts, ServerFacts } from "../../../agent/store/doctor/database_facts.ts";
import { ABILITIES, type Ability } from "../../../agent/store/server/abilities.ts";
import { kindText } from "../../../agent/store/server/server_kind.ts";
import { databaseConcern, type Found, type Step } from "../concern.ts";
import { ifSeen } from "../examined.ts";
import { byHand, changeUri, runCommands } from "../steps.ts";

/** The set that a server by itself becomes. */
const SET = "rs0";
/** Abilities that other findings are about. */
const ELSEWHERE: ReadonlySet<Ability> = new Set(["expressions", "retryableWrites"]);
/** The first version of MongoDB that has all of what the agent uses. */
const WHOLE = 6;

/** What the server can do. */
export const server = databaseConcern({
  name: "server",
  doc: "kind, version, topology, transactions and change streams of the server, and what it lacks",
  findings: {
    unusable_server: {
      level: "stops",
      doc:
        "The server lacks what each claim needs, as FerretDB 1 and an elastic cluster of Amazon DocumentDB do.",
    },
    no_transactions: {
      level: "stops",
      doc:
        "`WRITES_TO` allows writes, and the server has no transactions: documents that ask for writes fail.",
    },
    streams_off: {
      level: "hurts",
      doc: "Change streams are off for the collection: new documents wait for the next poll.",
    },
    server_lacks: {
      level: "note",
      doc: "The server is only compatible with MongoDB, or old: the agent does without what it lacks.",
    },
    retryable_writes: {
      level: "note",
      doc:
        "The server has no retryable writes, and the connection string asks for them: each start connects twice.",
    },
    old_server: { level: "note", doc: "The version of MongoDB gets no corrections any more." },
    standalone: {
      level: "note",
      doc:
        "No other server takes over; documents are found by polling alone; processors can ask for no `writes`.",
    },
  },
  *look(database, { settings }) {
    const known = ifSeen(database.server);
    if (known) yield* lackingIn(known, database);
    if (known?.lacking.includes("retryableWrites") && !known.isWithoutRetries) {
      yield {
        is: "retryable_writes",
        says: `${nameOf(known)} has no retryable writes, which MONGODB_URI does not say`,
        steps: [changeUri(WITHOUT_RETRIES, settings)],
      };
    }
    const hasNone = database.isStandalone || known?.lacking.includes("transactions");
    const [{ address } = { address: "HOST:27017" }] = database.heartbeats;
    const steps = database.isStandalone && !isOther(known) ? becomeSet(address) : [byHand(USE_MONGODB)];
    const { writesTo = [] } = settings;
    if (hasNone && writesTo.length > 0) {
      const why = database.isStandalone ? "is in no replica set" : "has none";
      const says = `WRITES_TO needs transactions, and the server ${address} ${why}`;
      return yield { is: "no_transactions", says, steps };
    }
    if (!database.isStandalone || isOther(known)) return;
    yield {
      is: "standalone",
      says:
        `The server ${address} is in no replica set: there are no change streams, no transactions, and no other ` +
        "server to take over from it",
      steps,
    };
  },
});

const USE_MONGODB = "use a replica set of MongoDB, or Amazon or Azure DocumentDB";
/** Sets the option, or adds it to those that are there, or begins them. */
const WITHOUT_RETRIES = "s/([?&])retryWrites=[^&]*/\\1retryWrites=false/I; t; " +
  "s/(\\?.*)$/\\1\\&retryWrites=false/; t; s|^([a-z+]+://[^/]*)$|\\1/|; s/$/?retryWrites=false/";

function becomeSet(address: string): Step[] {
  return [
    byHand(`restart mongod with --replSet ${SET} (in mongod.conf: replication.replSetName: ${SET})`),
    runCommands("admin", { replSetInitiate: { _id: SET, members: [{ _id: 0, host: address }] } }),
  ];
}

function* lackingIn(
  known: ServerFacts,
  { names }: DatabaseFacts,
): Iterable<Found<"unusable_server" | "streams_off" | "server_lacks" | "old_server">> {
  const name = nameOf(known);
  if (known.lacking.includes("expressions")) {
    return yield {
      is: "unusable_server",
      says: `${name} has no $expr, which each claim needs`,
      steps: [byHand(`${USE_MONGODB}, or FerretDB 2`)],
    };
  }
  if (known.streamsOff) {
    const collection = { database: names.database, collection: names.source };
    yield {
      is: "streams_off",
      says:
        `Change streams are off for ${names.database}.${names.source}: documents are found by polling alone`,
      steps: [runCommands("admin", { modifyChangeStreams: 1, ...collection, enable: true })],
    };
  }
  const lacking = known.lacking.filter((ability) => !ELSEWHERE.has(ability)).map((each) => ABILITIES[each]);
  if (lacking.length > 0) {
    const instead = [...new Set(lacking.map((each) => each.instead))].join("; ");
    yield {
      is: "server_lacks",
      says: `${name} lacks ${lacking.map(({ what }) => what).join(", ")}: ${instead}`,
      steps: [],
    };
  }
  const version = known.kind?.version;
  if (known.kind?.product === "MongoDB" && Number(version?.split(".")[0]) < WHOLE) {
    yield {
      is: "old_server",
      says: `MongoDB ${version} gets no corrections any more`,
      steps: [byHand("upgrade the server, one major version after the other")],
    };
  }
}

/** Whether it is known to be no MongoDB. */
function isOther(known: ServerFacts | undefined): boolean {
  return known?.kind !== undefined && known.kind.product !== "MongoDB";
}

function nameOf({ kind }: ServerFacts): string {
  return kind === undefined ? "The server" : kindText(kind);
}
