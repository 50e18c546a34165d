import { DAY_MS, LOOKS, seconds, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** What becomes of a document whose attempt has failed, or that its processor puts off. */
export const RETRY_SETTINGS = {
  maxAttempts: setting<number>({
    variable: "MAX_ATTEMPTS",
    parse: parse.integer(1, 1000),
    default: "5",
    decides: LOOKS.count,
    doc: "Attempts before a document that keeps failing becomes a dead letter.",
  }),
  retryBackoffMs: setting<number>({
    variable: "RETRY_BACKOFF",
    parse: seconds(0),
    default: "1",
    decides: LOOKS.duration,
    doc:
      "Upper bound of the wait before the first retry. The bound doubles with each retry. The wait is a random time below it.",
  }),
  retryBackoffMaxMs: setting<number>({
    variable: "RETRY_BACKOFF_MAX",
    parse: seconds(0, 30 * DAY_MS / 1000),
    default: "300",
    decides: LOOKS.duration,
    doc: "Upper bound of the wait before any retry.",
  }),
  maxSnoozeMs: setting<number>({
    variable: "MAX_SNOOZE",
    parse: seconds(1, 365 * DAY_MS / 1000),
    default: "7d",
    decides: LOOKS.duration,
    doc: "Longest time for which a processor may put a document off with `snoozeMs`. Longer ones are cut.",
  }),
  onDeadLetter: setting<string | undefined>({
    variable: "ON_DEAD_LETTER",
    parse: parse.text("an address that begins with https:// or http://"),
    fallback: () => undefined,
    defaultText: "none",
    file: { variable: "ON_DEAD_LETTER_FILE", holds: "the address" },
    secret: true,
    doc:
      "An address, such as the webhook of a chat, that dead letters are reported to: at most once a minute for each kind of error.",
  }),
  onDeadLetterFile: setting<string | undefined>({
    variable: "ON_DEAD_LETTER_FILE",
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc: "A file that holds the address, instead of `ON_DEAD_LETTER`. It is read when the agent starts.",
  }),
} as const;
