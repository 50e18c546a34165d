import { answers } from "../../agent/telemetry/printer.ts";
import { command } from "./command.ts";

/** Prints the version of this agent. */
export const versionCommand = command({
  name: "version",
  doc: "Print the version of the agent and of what it is made of.",
  asSwitch: "V",
  async run() {
    const { versionText } = await import("../../agent/version.ts");
    await answers.print(versionText());
    return 0;
  },
});
