import type { Setting } from "../../agent/settings/setting.ts";
import { SETTINGS } from "../../agent/settings/settings.ts";
import { type Command, usageOf, withValue } from "./command.ts";

/**
 * The text of `--help`. It is made of the tables of commands and settings, so that it cannot differ from them.
 *
 * @param about the commands to explain: one in full, or all of them in a line each
 */
export function helpText(about: readonly Command[]): string {
  const [first, ...others] = about;
  return first && others.length === 0 ? helpOf(first) : helpOfAll(about);
}

function helpOf(command: Command): string {
  const options = Object.entries(command.options ?? {}).map(([name, spec]) =>
    row(withValue(name, spec), spec.doc, OPTION_WIDTH)
  );
  return [
    `Usage: pulling-agent ${usageOf(command)}`,
    "",
    command.doc,
    "",
    ...options,
    ...(options.length > 0 ? [""] : []),
    "All commands and all settings: pulling-agent --help",
  ].join("\n");
}

function helpOfAll(commands: readonly Command[]): string {
  const settings = Object.values(SETTINGS as Record<string, Setting<unknown>>).map((setting) =>
    row(setting.variable, `${setting.doc.replaceAll("`", "")} ${defaultOf(setting)}`)
  );
  return [
    "pulling-agent pulls pending documents out of a MongoDB collection, processes each, and never loses one.",
    "",
    "Usage: pulling-agent [COMMAND]",
    "",
    ...commands.map((command) => row(waysOf(command), command.doc)),
    "",
    "Settings are environment variables. Durations are seconds (5), or carry a unit (500ms, 2m).",
    "",
    ...settings,
    "",
    "Signals: TERM, INT and HUP drain and exit (a second one forces); USR1 pauses, USR2 resumes.",
    "Exit status: 0 fine, 1 it failed, 2 wrong usage or settings.",
  ].join("\n");
}

/** Its usage, and the switches that call it. */
function waysOf(command: Command): string {
  const { name, asSwitch } = command;
  return [usageOf(command), ...(asSwitch === undefined ? [] : [`--${name}`, `-${asSwitch}`])].join(", ");
}

function defaultOf({ default: given, defaultText, required }: Setting<unknown>): string {
  if (required) return "(required)";
  return `(default: ${(given ?? defaultText ?? "none").replaceAll("`", "")})`;
}

const NAME_WIDTH = 37;
const OPTION_WIDTH = 24;

function row(name: string, text: string, width = NAME_WIDTH): string {
  // A name that fills its column has a line of its own.
  if (name.length >= width) return `  ${name}\n  ${" ".repeat(width)}${text}`;
  return `  ${name.padEnd(width)}${text}`;
}
