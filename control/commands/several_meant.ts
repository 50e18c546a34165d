import { CommandError } from "../../agent/errors.ts";
import { printable } from "../../agent/text/terminal_text.ts";

/** A command changes no document if an id that was typed may mean several, such as a number and its digits as text. */
export function severalMeant(count: number, typed: string): CommandError {
  return new CommandError(
    `${count} documents have an id that ${
      printable(JSON.stringify(typed))
    } may mean: type it as Extended JSON, such ` +
      `as '"7"' or '{"$numberInt": "7"}'`,
  );
}
