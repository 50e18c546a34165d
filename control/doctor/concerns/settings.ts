import { concern } from "../concern.ts";
import { byHand } from "../steps.ts";

/** Settings that are odd by themselves, and the processor that they name: what `check` reports. */
export const settings = concern({
  name: "settings",
  doc: "all settings, as check validates them, and whether the processor can be loaded",
  findings: {
    processor: { level: "stops", doc: "The agent does not start without its processor." },
    odd_setting: { level: "hurts", doc: "A setting does nothing, or not what it seems to." },
  },
  *look({ processorProblem, warnings }) {
    if (processorProblem !== undefined) yield told("processor", processorProblem);
    for (const warning of warnings) yield told("odd_setting", warning);
  },
});

/** A sentence that ends with its own mend. */
function told<Id extends string>(is: Id, says: string) {
  const [, advice] = /: (.*)$/s.exec(says) ?? [];
  return { is, says, steps: [byHand(advice ?? "look at docs/configuration.md")] };
}
