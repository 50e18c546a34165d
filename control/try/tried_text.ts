import type { Document } from "mongodb";
import { objectJson } from "../../agent/store/documents/bson_json.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import type { MongoLeasedDocument } from "../../agent/store/documents/leased_document.ts";
import type { Outcome } from "../../agent/settling/outcome.ts";
import { secrets } from "../../agent/text/redact.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { Tried } from "./trial.ts";
import { writesText } from "./writes_text.ts";

/** What a trial of a processor on a document of MongoDB's found. */
export type TriedDocument = Tried<MongoLeasedDocument>;

/** What becomes of a document, in a word. */
export type Verdict = "processed" | "snoozed" | "retry" | "dead_letter";

const VERDICTS: Record<Outcome["kind"], Verdict> = {
  ack: "processed",
  snooze: "snoozed",
  nack: "retry",
  // Only an interruption releases a document: it runs again.
  release: "retry",
  dead_letter: "dead_letter",
  finish_verdict: "dead_letter",
};

/** This much of what a line tells is shown, in UTF-16 units: `--json` shows all of it. */
const MAX_SHOWN = 1000;

const WIDTHS = { id: 24, verdict: 11, time: 9 };

/** The heads of the columns of {@linkcode triedLine}. */
export const HEAD = columns("ID", "OUTCOME", "TIME", "WHAT WOULD BE WRITTEN, OR WHY NOT");

/** What would become of the document. */
export function verdictOf({ outcome }: TriedDocument): Verdict {
  return VERDICTS[outcome.kind];
}

/** What was found, as a line of a table. */
export function triedLine(tried: TriedDocument, maxAttempts: number): string {
  const { document, elapsedMs } = tried;
  const time = elapsedMs === undefined ? "not run" : `${elapsedMs.toFixed(0)} ms`;
  const what = inOneLine(secrets.text(detail(tried, maxAttempts), MAX_SHOWN));
  return columns(formatId(document.id), verdictOf(tried).replace("_", " "), time, what).trimEnd();
}

/** What was found, as one line of Extended JSON. */
export function triedJson(tried: TriedDocument): string {
  const { document: { attempt, idempotencyKey, raw }, outcome, elapsedMs, ignored } = tried;
  const line = {
    id: raw.exactId(),
    outcome: verdictOf(tried),
    attempt,
    idempotency_key: idempotencyKey,
    ms: elapsedMs === undefined ? undefined : Math.round(elapsedMs),
    set: outcome.kind === "ack" ? outcome.set : undefined,
    writes: outcome.kind === "ack" ? outcome.writes : undefined,
    snooze_ms: outcome.kind === "snooze" ? outcome.snoozeMs : undefined,
    ignored,
    error: errorOf(tried),
    retry_in_ms: outcome.kind === "nack" ? Math.round(outcome.delayMs) : undefined,
  };
  return json(line);
}

function columns(id: string, verdict: string, time: string, what: string): string {
  return [
    id.padEnd(WIDTHS.id),
    verdict.padEnd(WIDTHS.verdict),
    time.padStart(WIDTHS.time),
    what,
  ].join("  ");
}

function detail(tried: TriedDocument, maxAttempts: number): string {
  const { document: { attempt }, outcome, ignored } = tried;
  const error = errorOf(tried);
  switch (outcome.kind) {
    case "ack":
      if (ignored) {
        return `ignored: ${ignored.join(", ")} (only fields under "set" are written, { set: { ... } })`;
      }
      return [
        ...(outcome.set ? [`set ${json(outcome.set)}`] : []),
        ...writesText(outcome.writes ?? [], json),
      ].join("; ");
    case "snooze":
      return `no attempt, again in ${inWords(outcome.snoozeMs)}`;
    case "nack":
      return `attempt ${attempt} of ${maxAttempts}, again in ${inWords(outcome.delayMs)}: ${error}`;
    case "dead_letter":
      return `${
        attempt >= maxAttempts ? `attempt ${attempt} of ${maxAttempts}, the last` : "at once"
      }: ${error}`;
    case "finish_verdict":
      return `decided before: ${error}`;
    case "release":
      return "interrupted";
  }
}

function errorOf({ document, outcome }: TriedDocument): string | undefined {
  switch (outcome.kind) {
    case "nack":
    case "dead_letter":
      return outcome.error;
    case "finish_verdict":
      return secrets.text(document.verdict?.reason ?? "an earlier agent has decided so");
    default:
      return undefined;
  }
}

/** Exact: the values are those that the database would hold. */
function json(document: Document): string {
  return objectJson(document, (text) => secrets.text(text));
}

function inWords(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
