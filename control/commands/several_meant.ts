import { printable } from "../../agent/text/terminal_text.ts";

/** Why a command changes no document if an id that was typed may mean several, such as a number and its digits as text. */
export function severalText(count: number, typed: string): string {
  return `${count} documents have an id that ${
    printable(JSON.stringify(typed))
  } may mean: type it as Extended JSON, such ` +
    `as '"7"' or '{"$numberInt": "7"}'`;
}
