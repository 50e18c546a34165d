import { UsageError } from "../../agent/errors.ts";
import type { OptionSpec } from "./command.ts";

/** The options of the commands that tell one agent or all of them. */
export const FLEET_OPTIONS = {
  fleet: {
    doc: "All agents of the collection, also those that start later; needs MongoDB, and no health directory.",
  },
  reason: { value: "TEXT", doc: "Why, for the log and the status of each agent; pause --fleet needs it." },
  by: { value: "NAME", doc: "Who asks for it; without it the user and the host of this command." },
} as const satisfies Record<string, OptionSpec>;

/** One agent is told by a signal, which carries no text. @throws {UsageError} */
export function refuseWithoutFleet(
  command: string,
  options: Readonly<Partial<Record<keyof typeof FLEET_OPTIONS, readonly string[]>>>,
): void {
  const given = (["reason", "by"] as const).find((option) => options[option] !== undefined);
  if (given === undefined) return;
  throw new UsageError(`${command} --${given} goes with --fleet: add --fleet, or leave --${given} out`);
}
