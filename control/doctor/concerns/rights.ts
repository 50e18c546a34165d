import type { DatabaseFacts } from "../../../agent/store/doctor/database_facts.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import type { UserRights } from "../../../agent/store/doctor/user_rights.ts";
import { fleetCollection } from "../../../agent/settings/fleet_settings.ts";
import type { Settings } from "../../../agent/settings/settings.ts";
import { databaseConcern, type Found, type Step } from "../concern.ts";
import { byHand, runCommands } from "../steps.ts";

/** What the agent does to a collection, in the words of the server's privileges. */
const PULLS = ["find", "update"];
const KEEPS_LETTERS = ["find", "insert", "update", "remove"];
const WRITES = ["find", "insert", "update", "remove"];
const REGISTERS = ["find", "insert", "update", "remove"];
const HOLDS_RANGES = ["find", "insert", "update"];
const NO_RANGES = ", so that with CLAIM_MODE=range the agent claims no new document";
/** Either of them will do. */
const SEES_RANGES = ["find", "update"];
const BLIND =
  ", so that the agent does not see what agents with CLAIM_MODE=range hold: if there are any, it runs that a second time";

/** What the user of the agent may do. Nothing is tried: the server is asked for the user's privileges. */
export const rights = databaseConcern({
  name: "rights",
  doc:
    "what the user may do to the collection, to the dead letters, to those of WRITES_TO, and to that of the fleet",
  findings: {
    may_not_pull: { level: "stops", doc: "The user may not read or update the collection: no claim works." },
    may_not_keep_letters: {
      level: "hurts",
      doc: "The user may not write dead letters: documents that fail for good stay in `processing`.",
    },
    may_not_write: {
      level: "hurts",
      doc: "The user may not write to a collection of `WRITES_TO`: documents that ask for such writes fail.",
    },
    may_not_register: {
      level: "stops",
      doc:
        "The user may not write to the collection of the fleet's agents: with `RATE_LIMIT_SCOPE=fleet`, no agent claims.",
    },
    may_not_join: {
      level: "hurts",
      doc:
        "The user may not write to the collection of the fleet's agents: `status --fleet` misses the agent, and `pause --fleet` does not reach it.",
    },
    may_not_claim_by_range: {
      level: "stops",
      doc:
        "With `CLAIM_MODE=range` the user may not read, insert or update in the collection of the fleet's agents, where ranges are kept: the agent claims no new document.",
    },
    may_not_see_ranges: {
      level: "hurts",
      doc:
        "With `CLAIM_MODE=document` the user may neither read nor update the collection of the fleet's agents: the agent claims without seeing what agents with `CLAIM_MODE=range` hold: if there are any, it runs that a second time.",
    },
    may_not_follow: {
      level: "note",
      doc: "The user may not open a change stream: new documents are found by polling alone.",
    },
    no_login: {
      level: "note",
      doc: "The server asks for no login: any program that reaches it may change documents.",
    },
  },
  *look(database, { settings }) {
    const { isStandalone, names, user } = database;
    if (user instanceof Unseen) return yield user;
    if (user === undefined) {
      if (!isAtHome(database)) yield noLogin(names.database);
      return;
    }
    const lack = (actions: readonly string[], collection: string) =>
      actions.filter((action) => !user.may(action, { database: names.database, collection }));
    const found = <Id extends string>(
      is: Id,
      actions: readonly string[],
      collection: string,
      so = "",
    ): Found<Id>[] => {
      const missing = lack(actions, collection);
      if (missing.length === 0) return [];
      const where = `${names.database}.${collection}`;
      const says = `The user ${user.name} lacks the right to ${listed(missing)} on ${where}${so}`;
      return [{ is, says, steps: [grant(user, names.database)] }];
    };
    yield* found("may_not_pull", PULLS, names.source);
    yield* found("may_not_keep_letters", KEEPS_LETTERS, names.letters);
    for (const collection of settings.writesTo ?? []) yield* found("may_not_write", WRITES, collection);
    const agents = fleetCollection(names.source);
    if (settings.rateLimit && settings.rateLimitScope === "fleet") {
      yield* found("may_not_register", REGISTERS, agents);
    } else if (settings.fleet === "on") yield* found("may_not_join", REGISTERS, agents);
    if (settings.fleet === "on") {
      if (settings.claimMode === "range") {
        yield* found("may_not_claim_by_range", HOLDS_RANGES, agents, NO_RANGES);
      } else if (SEES_RANGES.length === lack(SEES_RANGES, agents).length) {
        yield* found("may_not_see_ranges", SEES_RANGES, agents, BLIND);
      }
    }
    if (follows(settings) && !isStandalone) yield* found("may_not_follow", ["changeStream"], names.source);
  },
});

function follows({ changeStream }: Pick<Settings, "changeStream">): boolean {
  return changeStream === "auto";
}

/** A server of this machine alone, as in development. */
function isAtHome({ heartbeats }: DatabaseFacts): boolean {
  return heartbeats.every(({ address }) => /^(localhost|127\.|\[?::1)/.test(address));
}

function noLogin(db: string): Found<"no_login"> {
  const user = { createUser: "pulling-agent", pwd: "CHANGE-ME", roles: [{ role: "readWrite", db }] };
  return {
    is: "no_login",
    says:
      "The server asks for no user and no password: any program that reaches it may read and change documents",
    steps: [
      runCommands("admin", user),
      byHand(
        "let the server ask for it (security.authorization: enabled), and write the user into MONGODB_URI",
      ),
    ],
  };
}

/** The role that the documents advise. The user is kept in a database of its own. */
function grant({ database, name }: UserRights, on: string): Step {
  return runCommands(database, { grantRolesToUser: name, roles: [{ role: "readWrite", db: on }] });
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
