import { answers } from "../../agent/telemetry/printer.ts";
import { command } from "./command.ts";

/** Prints the version of this agent. */
export const versionCommand = command({
  name: "version",
  doc: "Print the versions of the agent and of its parts.",
  asSwitch: "V",
  async run() {
    const { versionText } = await import("../../agent/version.ts");
    await answers.print(versionText());
    return 0;
  },
});
