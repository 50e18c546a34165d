import { CommandError } from "../../agent/errors.ts";

/** What is changed although no number was typed, at most. */
const MOST_UNASKED = 1000;

/** What a command selects, for what it says. */
interface Selected {
  /** How many; undefined if they could not be counted. */
  total: number | undefined;
  /** What they are, such as `documents`. */
  what: string;
  /** What is to be done with them, such as `requeue them`. */
  act: string;
}

/**
 * How many may be changed: never more than was said or typed.
 *
 * @throws {CommandError} If it would be many, and was not typed: a slip of the keys must not change all of them.
 */
export function limitOf(typed: number | undefined, { act, total, what }: Selected): number {
  if (typed !== undefined) return typed;
  if (total !== undefined && total <= MOST_UNASKED) return total;
  throw new CommandError(
    `Nothing is changed, because more than ${MOST_UNASKED} ${what} may be selected: to ${act}, add --limit ${
      total ?? "N"
    }`,
  );
}
