import { PermanentError } from "../errors.ts";
import { kindOf } from "./kind_of.ts";

/** Names that are meant to be `snoozeMs`. */
const NEAR_SNOOZE = /^(snooze[_-]?(ms|millis|milliseconds|s|sec|seconds)?|snooze[_-]?for)$/i;

/**
 * How long a processor puts its document off, in milliseconds; undefined if it does not. `wanted` is what it wants
 * to be written.
 *
 * @throws {PermanentError} If `snoozeMs` is no time to wait, or if something is to be written, too.
 */
export function snoozeMsOf(
  snoozeMs: unknown,
  wanted: Readonly<Record<"set" | "writes", unknown>>,
): number | undefined {
  if (snoozeMs === undefined || snoozeMs === null) return undefined;
  if (typeof snoozeMs !== "number") {
    throw refusal(`"snoozeMs" must be a number of milliseconds, not ${kindOf(snoozeMs)}`);
  }
  if (!Number.isFinite(snoozeMs) || snoozeMs < 0) {
    throw refusal(`"snoozeMs" must be a number of milliseconds of 0 or more, not ${snoozeMs}`);
  }
  const other = Object.entries(wanted).find(([, value]) => value !== undefined && value !== null)?.[0];
  if (other !== undefined) {
    throw refusal(
      `"${other}" is written when a document is processed, and "snoozeMs" puts it off: return one of the two`,
    );
  }
  return snoozeMs;
}

/**
 * The name of a number that looks as if the document were to be put off, and does not do so; undefined if there is none.
 * A document may have such fields of its own.
 */
export function nearSnoozeOf(returned: object): string | undefined {
  if (Object.hasOwn(returned, "_id")) return undefined;
  return Object.entries(returned).find(([name, value]) =>
    name !== "snoozeMs" && typeof value === "number" && NEAR_SNOOZE.test(name)
  )?.[0];
}

function refusal(why: string): PermanentError {
  return new PermanentError(`Cannot put the document off: ${why}`);
}
