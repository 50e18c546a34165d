import { type SafeText, secrets } from "./redact.ts";
import { runtimeText } from "./runtime_text.ts";
import { serverText } from "./server_text.ts";

/** The text of an error is no longer than this, in UTF-16 units: it may quote a whole document. */
const MAX_TEXT = 4000;
/** The same for one error among several. */
const MAX_PART = 1000;
/** Stacks at most, in UTF-16 units. */
const MAX_STACK = 8000;
/** Errors that the text holds, at most: causes and parts together. */
const MAX_ERRORS = 10;

/**
 * The text of anything that was thrown, an `Error` or not, with its causes, and without the secrets of this process.
 * Never throws, for any value.
 */
export function errorText(error: unknown): SafeText {
  return secrets.text(new ErrorReader().read(error), MAX_TEXT);
}

/** The stacks of an error and of its causes; undefined if it has none. Without secrets. Never throws. */
export function errorStack(error: unknown): SafeText | undefined {
  const stacks: string[] = [];
  for (let each = error; stacks.length < MAX_ERRORS; each = property(each, "cause")) {
    const stack = property(each, "stack");
    if (typeof stack !== "string" || stacks.includes(stack)) break;
    stacks.push(stack);
  }
  return stacks.length === 0 ? undefined : secrets.text(stacks.join("\nCaused by: "), MAX_STACK);
}

/** Reads one error and those within it, each once. */
class ErrorReader {
  readonly #seen = new Set<unknown>();
  #unread = 0;

  read(error: unknown): string {
    this.#seen.add(error);
    const own = ownText(error);
    // The text of the first error is not cut: the whole text is cut once it is complete.
    const parts = this.#partsOf(error, own);
    const cause = this.#others([property(error, "cause")], own)[0];
    return own +
      (parts.length > 0 ? ` (errors: ${parts.join("; ")})` : "") +
      (cause === undefined ? "" : ` (cause: ${cause})`);
  }

  #partsOf(error: unknown, own: string): string[] {
    const unread = this.#unread;
    const parts = this.#others(innerErrors(error), own);
    const missing = this.#unread - unread;
    return missing > 0 ? [...parts, `and ${missing} more`] : parts;
  }

  /** The texts of errors that were not read yet, without what the text holds already. */
  #others(errors: readonly unknown[], own: string): string[] {
    const texts = new Set<string>();
    for (const error of errors) {
      if (error === undefined || error === null || this.#seen.has(error)) continue;
      if (this.#seen.size >= MAX_ERRORS) {
        this.#unread += 1;
        continue;
      }
      const text = secrets.text(this.read(error), MAX_PART);
      if (!secrets.text(own).includes(text)) texts.add(text);
    }
    return [...texts];
  }
}

/** The errors that an error consists of: those of an `AggregateError`, of a bulk of writes, of servers, of a `SuppressedError`. */
function innerErrors(error: unknown): unknown[] {
  for (const field of ["errors", "writeErrors"]) {
    const list = property(error, field);
    try {
      if (Array.isArray(list)) return list.slice(0, 10 * MAX_ERRORS);
    } catch {
      // A list that cannot be read is left out.
    }
  }
  // Each server of a set may be out of reach for a reason of its own; the driver gives only one of them as the cause.
  const servers = property(property(error, "reason"), "servers");
  if (servers instanceof Map) return [...servers.values()].map((server) => property(server, "error"));
  const suppressed = property(error, "suppressed");
  return suppressed === undefined ? [] : [property(error, "error"), suppressed];
}

function ownText(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return bounded(String(error));
    const said = serverText(error);
    if (said !== undefined) return said;
    const { message, name } = error as { message?: unknown; name?: unknown };
    if (typeof message === "string" && message) return bounded(runtimeText(message));
    if (error instanceof Error && !message) return bounded(String(name));
    return bounded(asJson(message || error) ?? Object.prototype.toString.call(error));
  } catch {
    return "an error that cannot be read";
  }
}

/** Far more than is kept of it: to search a text of megabytes for secrets takes too long. */
function bounded(text: string): string {
  return text.length <= 2 * MAX_TEXT ? text : secrets.text(text, 2 * MAX_TEXT);
}

function property(error: unknown, name: string): unknown {
  try {
    return typeof error === "object" && error !== null ? (error as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}

/** Taken at the start: a user's module may replace the global. */
const { stringify } = JSON;

function asJson(value: unknown): string | undefined {
  try {
    return stringify(value);
  } catch {
    return undefined;
  }
}
