import { databaseConcern, type Step } from "../concern.ts";
import { byHand, runCommands } from "../steps.ts";

/** The set that a server by itself becomes. */
const SET = "rs0";

/** What the server can do. */
export const server = databaseConcern({
  name: "server",
  doc: "version, topology, transactions and change streams of the server",
  findings: {
    no_transactions: {
      level: "stops",
      doc:
        "`WRITES_TO` allows writes, and the server has no transactions: documents that ask for writes fail.",
    },
    standalone: {
      level: "note",
      doc:
        "No other server takes over; documents are found by polling alone; processors can ask for no `writes`.",
    },
  },
  *look({ heartbeats, isStandalone }, { settings: { writesTo = [] } }) {
    if (!isStandalone) return;
    const [{ address } = { address: "HOST:27017" }] = heartbeats;
    const steps: Step[] = [
      byHand(`restart mongod with --replSet ${SET} (in mongod.conf: replication.replSetName: ${SET})`),
      runCommands("admin", { replSetInitiate: { _id: SET, members: [{ _id: 0, host: address }] } }),
    ];
    if (writesTo.length > 0) {
      const says = `WRITES_TO needs transactions, and the server ${address} is in no replica set`;
      return yield { is: "no_transactions", says, steps };
    }
    yield {
      is: "standalone",
      says:
        `The server ${address} is in no replica set: there are no change streams, no transactions, and no other ` +
        "server to take over from it",
      steps,
    };
  },
});
