import { PROCESSED } from "../../../agent/store/doctor/sampled.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { admitBookkeeping } from "../../validator_mend.ts";
import { databaseConcern } from "../concern.ts";
import { byHand, runCommands } from "../steps.ts";

/** Whether the validator of the collection accepts what the agent writes. */
export const validator = databaseConcern({
  name: "validator",
  doc: "whether the validator of the collection accepts what the agent writes on some of its documents",
  findings: {
    refuses_claims: {
      level: "stops",
      doc: "The validator refuses the claim of every document that was tried.",
    },
    refuses_writes: {
      level: "hurts",
      doc:
        "The validator refuses some of the agent's writes: those documents stay as they are, or run again.",
    },
  },
  *look({ names, refusedWrites, source }) {
    if (refusedWrites instanceof Unseen) return yield refusedWrites;
    if (refusedWrites.length === 0 || source instanceof Unseen || source === undefined) return;
    const refusals = refusedWrites.map(({ refused, tried, write }) =>
      tried === 0 ? write : `${write} (${refused} of ${tried} documents)`
    );
    const isTotal = refusedWrites.some(({ refused, tried, write }) =>
      write === "the claim" && refused === tried
    );
    const isOfResult = refusedWrites.every(({ write }) => write === PROCESSED);
    const mend = runCommands(names.database, admitBookkeeping(names.source, source.options.validator));
    yield {
      is: isTotal ? "refuses_claims" : "refuses_writes",
      says: `The validator of ${names.source} refuses what the agent writes: ${refusals.join(", ")}${
        isOfResult ? ", unless your processor sets what it asks for" : ""
      }`,
      steps: [...isOfResult ? [SET_BY_PROCESSOR] : [], mend],
    };
  },
});

const SET_BY_PROCESSOR = byHand(
  "let the processor return what the validator asks for as set: docs/processors.md; or, if it cannot:",
);
