import type { Message } from "./collect.ts";
import { WHAT_TO_DO } from "./what_to_do.ts";

/** The tables of docs/messages.md: the lines of the log, and what commands refuse or fail with. */
export function messagesInFull(messages: readonly Message[]): string {
  const log = unique(messages.filter(({ channel }) => channel === "log"));
  const refusals = unique(messages.filter(({ channel }) => channel === "refusal" || channel === "failure"));
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

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
