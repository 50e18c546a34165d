import { UnusableControl } from "../../../agent/fleet/unusable_control.ts";
import { fleetCollection } from "../../../agent/settings/fleet_settings.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import type { FleetFacts } from "../../../agent/store/doctor/fleet_facts.ts";
import { databaseConcern, type Found } from "../concern.ts";
import { byHand, setting, shell } from "../steps.ts";

/** What an agent finds in the collection in which the agents show themselves. */
export const fleet = databaseConcern({
  name: "fleet",
  doc: "what operators ask of all agents, and whether the collection of the agents is theirs",
  findings: {
    fleet_paused: { level: "hurts", doc: "The whole fleet is paused: an agent that starts claims nothing." },
    fleet_control: {
      level: "hurts",
      doc: "What operators have written for all agents by hand cannot be used: it controls nothing.",
    },
    claim_mode: {
      level: "stops",
      doc:
        "Agents of the collection work in another `CLAIM_MODE`: an agent that starts claims no new document, and ends. With `FLEET=off` it runs documents that others hold.",
    },
    claim_filter: {
      level: "stops",
      doc:
        "Agents claim the collection by range with another `FILTER`: an agent that starts in this mode claims no new document, and ends.",
    },
    claims_wait: {
      level: "hurts",
      doc:
        "The document `ranges` was removed from the collection of the agents while they worked: new documents wait for the leases of that time.",
    },
    registry_of_others: {
      level: "hurts",
      doc:
        "The collection of the fleet's agents holds documents of yours: agents write nothing into it, and `--fleet` misses them.",
    },
  },
  *look({ fleet: found, names }, { settings }) {
    if (settings.fleet === "off") return yield* withoutFleet(found);
    if (found instanceof Unseen) return yield found;
    const where = `${names.database}.${fleetCollection(names.source)}`;
    const { claimMode, control, hasOtherFilter, isOfOthers, modeUntilFar, waitsUntil } = found;
    const wait = modeUntilFar
      ? `wait 90 seconds and for their leases, remove the document "ranges" from ${where}, which has the mode until ` +
        `${modeUntilFar.toISOString()} as if the server's clock had been ahead,`
      : "wait 90 seconds and for their leases,";
    if (claimMode !== undefined && claimMode !== settings.claimMode) {
      yield {
        is: "claim_mode",
        says:
          `CLAIM_MODE is ${settings.claimMode}, and agents with CLAIM_MODE=${claimMode} work on the collection`,
        steps: [
          setting("CLAIM_MODE", claimMode),
          byHand(`to change the mode: stop all agents, ${wait} and start them in the new one`),
        ],
      };
    }
    if (settings.claimMode === "range" && hasOtherFilter) {
      yield {
        is: "claim_filter",
        says: "Agents with CLAIM_MODE=range work on the collection, and their FILTER is another one",
        steps: [
          byHand(
            `set the FILTER of these agents; to change it: stop all agents, ${wait} and start them with the new one`,
          ),
        ],
      };
    }
    if (waitsUntil) {
      yield {
        is: "claims_wait",
        says:
          `The document "ranges" was removed from ${where} while agents worked: no new document is claimed before ` +
          waitsUntil.toISOString(),
        steps: [
          byHand(
            "to go on sooner: stop all agents, remove that document again when they have ended, and start them",
          ),
        ],
      };
    }
    if (isOfOthers) {
      yield {
        is: "registry_of_others",
        says: `${where} holds documents that no agent has written, so that agents write nothing into it`,
        steps: [
          byHand(
            "move these documents to a collection of another name, if all agents are to be seen and paused together; " +
              "otherwise:",
          ),
          setting("FLEET", "off"),
        ],
      };
    }
    if (control instanceof UnusableControl) {
      yield {
        is: "fleet_control",
        says: `The document control in ${where} controls nothing: ${control.problem}`,
        steps: [
          shell("pulling-agent resume --fleet"),
          byHand("if the agents are to pause: pulling-agent pause --fleet --reason TEXT"),
        ],
      };
    } else if (control?.state === "paused") {
      const reason = control.reason === undefined ? "" : `: ${control.reason}`;
      yield {
        is: "fleet_paused",
        says:
          `The whole fleet is paused, by ${control.by} since ${control.at.toISOString()}${reason}. An agent that starts claims nothing`,
        steps: [shell("pulling-agent resume --fleet")],
      };
    }
  },
});

/** An agent that shows itself to no other one takes no part in the modes. */
function* withoutFleet(found: FleetFacts | Unseen): Generator<Found<"claim_mode">> {
  if (found instanceof Unseen || found.claimMode !== "range") return;
  yield {
    is: "claim_mode",
    says:
      "FLEET is off, and agents with CLAIM_MODE=range work on the collection: this agent does not see what " +
      "they hold, and would run it a second time",
    steps: [setting("FLEET", "on"), setting("CLAIM_MODE", "range")],
  };
}
