import { type Setting, SETTINGS } from "../../agent/settings/settings.ts";
import { type CommandName, COMMANDS } from "./command_line.ts";

/**
 * What `--help` prints: made of the tables of commands and settings, so that it cannot say anything else than they do.
 *
 * @param about the command that is asked about; of all without it
 */
export function helpText(about?: CommandName): string {
  return about === undefined ? helpOfAll() : helpOf(about);
}

function helpOf(name: CommandName): string {
  const { usage, doc } = COMMANDS[name];
  return [
    `Usage: pulling-agent ${usage}`,
    "",
    doc,
    "",
    "All commands and all settings: pulling-agent --help",
  ].join("\n");
}

function helpOfAll(): string {
  const commands = Object.values(COMMANDS).map(({ usage, doc }) => row(usage, doc));
  const settings = Object.values(SETTINGS as Record<string, Setting<unknown>>).map((setting) =>
    row(setting.variable, `${setting.doc.replaceAll("`", "")} ${defaultOf(setting)}`)
  );
  return [
    "pulling-agent pulls pending documents out of a MongoDB collection, processes each, and never loses one.",
    "",
    "Usage: pulling-agent [COMMAND]",
    "",
    ...commands,
    row("help [COMMAND], --help, -h", "Print this, or what one command does."),
    row("version, --version, -V", "Print the version of the agent and of what it is made of."),
    "",
    "Settings are environment variables. Durations are seconds (5), or carry a unit (500ms, 2m).",
    "",
    ...settings,
    "",
    "Signals: TERM, INT and HUP drain and exit (a second one forces); USR1 pauses, USR2 resumes.",
    "Exit status: 0 fine, 1 it failed, 2 wrong usage or settings.",
  ].join("\n");
}

function defaultOf({ default: given, defaultText, required }: Setting<unknown>): string {
  if (required) return "(required)";
  return `(default: ${(given ?? defaultText ?? "none").replaceAll("`", "")})`;
}

const NAME_WIDTH = 36;

function row(name: string, text: string): string {
  // A name that fills its column stands on a line of its own.
  if (name.length >= NAME_WIDTH) return `  ${name}\n  ${" ".repeat(NAME_WIDTH)}${text}`;
  return `  ${name.padEnd(NAME_WIDTH)}${text}`;
}
