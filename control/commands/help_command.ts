import { answers } from "../../agent/telemetry/printer.ts";
import { command } from "./command.ts";

/** Explains one command, or all of them and the settings. */
export const helpCommand = command({
  name: "help",
  doc: "Print this, or what one command does.",
  operand: "[COMMAND]",
  asSwitch: "h",
  async run({ about = [] }) {
    const { helpText } = await import("./help.ts");
    await answers.print(helpText(about));
    return 0;
  },
});
