import { table } from "../markdown_table.ts";
import type { Message } from "./collect.ts";
import { WHAT_TO_DO } from "./what_to_do.ts";

/** The tables of docs/messages.md: lines of the log, what commands refuse or fail with, and errors. */
export function messagesInFull(messages: readonly Message[]): string {
  const log = unique(messages.filter(({ channel }) => channel === "log"));
  const refusals = unique(messages.filter(({ channel }) => channel === "refusal" || channel === "failure"));
  const errors = unique(messages.filter(({ channel }) => channel === "error"));
  return [
    "## Lines of the log",
    table(["Level", "Message", "What to do"], log.map(logRow)),
    "## Refusals and failures",
    "Each stands on standard error, behind `pulling-agent:`. Exit status 2 means a mistake in a setting or on the " +
    "command line, 1 that the command failed.",
    table(
      ["Exit", "Message"],
      refusals.map(({ channel, text }) => [channel === "refusal" ? "2" : "1", code(text)]),
    ),
    "## Errors",
    "They stand in `error` of documents, dead letters and log lines, or complete one of the sentences above.",
    table(["Error"], errors.map(({ text }) => [code(text)])),
  ].join("\n\n");
}

function logRow({ level = "", text }: Message): string[] {
  return [level, code(text), WHAT_TO_DO[text] ?? (/^(WARNING|ERROR)$/.test(level) ? "as the line says" : "")];
}

function unique(messages: readonly Message[]): Message[] {
  const byText = new Map(messages.map((message) => [message.text, message]));
  return [...byText.values()].sort((a, b) => a.text < b.text ? -1 : 1);
}

function code(text: string): string {
  const fence = text.includes("`") ? "``" : "`";
  return `${fence}${text.replaceAll("\n", " ")}${fence}`;
}
