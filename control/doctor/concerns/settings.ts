import type { Settings } from "../../../agent/settings/settings.ts";
import { concern, type Step } from "../concern.ts";
import { byHand, setting, shell } from "../steps.ts";

/** The commands for sentences that have one; in any other sentence the advice stands behind the colon. */
const MENDS: readonly [sentence: RegExp, mend: (settings: Settings, variable: string) => Step][] = [
  [/^(\w+) is set, and does nothing/, (_, variable) => shell(`unset ${variable}`)],
  [/^(PROCESSOR) is not set/, () => setting("PROCESSOR", "module:/app/processor.js")],
  [/^(CONCURRENCY) is /, ({ concurrency }) => setting("BATCH_SIZE", Math.ceil(concurrency / 2))],
  [/^(EXEC_PROCESSES) is .* CONCURRENCY/, ({ concurrency }) => setting("EXEC_PROCESSES", concurrency)],
  [/^(EXEC_PROCESSES) is .* PROCESSOR_BATCH/, () => setting("EXEC_PROCESSES", 2)],
];

/** Settings that are odd by themselves, and the processor that they name: what `check` reports. */
export const settings = concern({
  name: "settings",
  doc: "all settings, as check validates them, and whether the processor can be loaded",
  findings: {
    processor: { level: "stops", doc: "The agent does not start without its processor." },
    odd_setting: { level: "hurts", doc: "A setting does nothing, or not what it seems to." },
  },
  *look({ processorProblem, settings, warnings }) {
    if (processorProblem !== undefined) {
      const steps = [byHand("correct PROCESSOR or what it names, then run pulling-agent check")];
      yield { is: "processor", says: processorProblem, steps };
    }
    for (const says of warnings) yield { is: "odd_setting", says, steps: mendsOf(says, settings) };
  },
});

function mendsOf(sentence: string, settings: Settings): Step[] {
  for (const [pattern, mend] of MENDS) {
    const [, variable] = pattern.exec(sentence) ?? [];
    if (variable !== undefined) return [mend(settings, variable)];
  }
  return [];
}
