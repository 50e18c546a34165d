import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { concern } from "../concern.ts";
import { isDatabase } from "../examined.ts";
import { byHand, changeUri, runCommands, withOption, withoutOption } from "../steps.ts";

/** Whether the agent can use the database at all. */
export const connection = concern({
  name: "connection",
  doc: "address, login, replica set and majority, options of the connection string",
  findings: {
    out_of_reach: { level: "stops", doc: "The agent waits, and is not ready until it can connect." },
    wrong_set: {
      level: "stops",
      doc: "`replicaSet` names another set: the driver uses none of its members.",
    },
    no_majority: {
      level: "stops",
      doc: "Too few members acknowledge writes: claims and outcomes wait for more.",
    },
    no_answer: {
      level: "stops",
      doc: "MongoDB accepts connections, and does not answer: claims and outcomes wait for it.",
    },
    overridden: { level: "note", doc: "The connection string asks for what the claim protocol cannot do." },
  },
  *look({ database, settings, uriWarnings }) {
    for (const warning of uriWarnings) {
      const [, option] = /asks for (\w+)/.exec(warning) ?? [];
      yield {
        is: "overridden",
        says: warning,
        steps: option === undefined ? [] : [changeUri(withoutOption(option), settings)],
      };
    }
    if (isDatabase(database)) {
      const { sourceProblem } = database;
      // The server refuses nothing here that the agent could do without.
      if (sourceProblem instanceof Unseen && !sourceProblem.isForbidden) {
        yield {
          is: "no_answer",
          says: `MongoDB tells nothing about the collection: ${sourceProblem.reason}`,
          steps: [
            runCommands("admin", { currentOp: 1, active: true, secs_running: { $gte: 3 } }),
            byHand("look at what runs for long, and at the log, the disk and the load of the server"),
          ],
        };
      }
      if (database.withoutMajority === undefined) return;
      return yield {
        is: "no_majority",
        says: database.withoutMajority,
        steps: [
          runCommands("admin", { replSetGetStatus: 1 }),
          byHand("start the members that this shows as down, or that are not in it"),
        ],
      };
    }
    const { problem, seenSet } = database;
    if (!/\breplicaSet=/.test(problem) || seenSet === undefined) {
      return yield {
        is: "out_of_reach",
        says: problem,
        steps: [
          byHand("mend this first: without a connection nothing else about the database can be looked at"),
        ],
      };
    }
    const expression = seenSet === "" ? withoutOption("replicaSet") : withOption("replicaSet", seenSet);
    yield { is: "wrong_set", says: problem, steps: [changeUri(expression, settings)] };
  },
});
