import type { Document } from "mongodb";
import type { Settings } from "../../agent/settings/settings.ts";
import { databaseText, literal } from "../../agent/store/documents/mongosh_text.ts";
import { shellWord } from "../shell_word.ts";
import type { Step } from "./concern.ts";

/** Commands for a database, in one line. */
export function runCommands(database: string, ...commands: readonly Document[]): Step {
  const texts = commands.map((command) => `${databaseText(database)}.runCommand(${literal(command)})`);
  return { tool: "mongosh", text: texts.join("; ") };
}

/** A variable of the agent, and the value that it should have. */
export function setting(variable: string, value: string | number): Step {
  return { tool: "setting", text: `${variable}=${shellWord(String(value))}` };
}

/** A duration as a setting takes it, in seconds. */
export function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}

/** A command for a shell. */
export function shell(text: string): Step {
  return { tool: "shell", text };
}

/** What no command can do. */
export function byHand(text: string): Step {
  return { tool: "hand", text };
}

/** Changes the connection string by an expression of `sed`: the string itself holds secrets, and is not shown. */
export function changeUri(expression: string, { mongodbUriFile }: Pick<Settings, "mongodbUriFile">): Step {
  return mongodbUriFile === undefined
    ? shell(`export MONGODB_URI="$(printf %s "$MONGODB_URI" | sed -E ${shellWord(expression)})"`)
    : shell(`sed -i -E ${shellWord(expression)} ${shellWord(mongodbUriFile)}`);
}

/** The expression that takes an option out of a connection string. */
export function withoutOption(name: string): string {
  return `s/([?&])${name}=[^&]*(&|$)/\\1/I; s/[?&]$//`;
}

/** The expression that sets an option of a connection string that is there already. */
export function withOption(name: string, value: string): string {
  return `s/([?&]${name}=)[^&]*/\\1${value.replaceAll(/[\\&/]/g, "\\$&")}/I`;
}
