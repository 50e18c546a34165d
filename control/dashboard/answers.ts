import { errorText } from "../../agent/errors.ts";
import { isMongoError } from "../../agent/store/mongo_errors.ts";
import { secrets } from "../../agent/text/redact.ts";
import { printableLines } from "../../agent/text/terminal_text.ts";
import type { Answer } from "../http/exchange.ts";
import type { ErrorAnswer } from "./api.ts";
import { Refusal } from "./refusal.ts";

/** Nothing but what the dashboard itself serves is loaded, run, sent to or embedded, by any page that is made of it. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The headers of every answer: what it holds is of this place and this moment alone, and never more than its type says. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": CONTENT_POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

const JSON_TYPE = "application/json; charset=utf-8";

/** An answer in JSON. */
export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonTextAnswer(JSON.stringify(value), status, headers);
}

/** The same of JSON that is there as text. */
export function jsonTextAnswer(
  body: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { ...SAFE_HEADERS, "Content-Type": JSON_TYPE, ...headers }, body };
}

/** Tells why a request has failed. A bug of this program is not told to viewers: `report` gets it. */
export function failureAnswer(error: unknown, report: (error: unknown) => void): Answer {
  if (error instanceof Refusal) return errorAnswer(error.status, error.kind, error.message);
  const text = failureText(error);
  if (text !== undefined) return errorAnswer(502, "database", text);
  report(error);
  return errorAnswer(500, "bug", "This is a bug of pulling-agent: the output of the dashboard has more");
}

/** What MongoDB or the way to it has failed with, in a sentence; undefined if it is something else. */
export function failureText(error: unknown): string | undefined {
  const { cause, name } = error as Error;
  const isKnown = isMongoError(error) || isMongoError(cause) || KNOWN.has(name);
  return isKnown ? secrets.text(printableLines(errorText(error)), MAX_TEXT) : undefined;
}

/** Errors whose text is made for people. */
const KNOWN: ReadonlySet<string> = new Set([
  "CommandError",
  "UsageError",
  "SourceError",
  "FilterError",
  "UnreachableError",
  "OperationTimeoutError",
]);
/** This much of an error is told, in UTF-16 units. */
const MAX_TEXT = 2000;

function errorAnswer(status: number, kind: ErrorAnswer["error"]["kind"], text: string): Answer {
  return jsonAnswer({ error: { kind, text } } satisfies ErrorAnswer, status);
}
