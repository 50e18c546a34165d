import { createHash } from "node:crypto";
import type { Document } from "../../ports.ts";
import type { BatchContext } from "../processor.ts";

/** Longer values make some servers refuse the request, in UTF-16 units. */
const MAX_VALUE = 1024;

/** What is told about a document beside its body. */
export interface Told {
  /** `database.collection`. */
  readonly source: string;
  readonly document: Document;
  readonly attempt: number;
  readonly snoozes: number;
  readonly idempotencyKey: string;
}

/** The headers that name a document: for services, and for gateways that know CloudEvents. */
export function documentHeaders(
  { source, document, attempt, snoozes, idempotencyKey }: Told,
): Record<string, string> {
  return {
    ...eventHeaders("pulling-agent.document", source, { attempt, snoozes, key: idempotencyKey }),
    "ce-subject": eventValue(bounded(subjectOf(document._id, idempotencyKey, source))),
  };
}

/**
 * The headers of a batch. The same documents in the same order have the same key. The numbers are those of the document
 * with the most.
 */
export function batchHeaders(
  source: string,
  { attempts, snoozes, idempotencyKeys }: Pick<BatchContext, "attempts" | "snoozes" | "idempotencyKeys">,
): Record<string, string> {
  const key = `${source}:batch:${digest(JSON.stringify(idempotencyKeys))}`;
  return eventHeaders("pulling-agent.batch", source, {
    attempt: Math.max(...attempts),
    snoozes: Math.max(...snoozes),
    key,
  });
}

function eventHeaders(
  type: string,
  source: string,
  { attempt, snoozes, key }: { attempt: number; snoozes: number; key: string },
): Record<string, string> {
  return {
    "content-type": "application/json",
    "idempotency-key": headerValue(bounded(key)),
    "x-attempt": String(attempt),
    "x-snoozes": String(snoozes),
    "ce-specversion": "1.0",
    "ce-type": type,
    "ce-source": eventValue(`/${source.replace(".", "/")}`),
    "ce-id": eventValue(bounded(key)),
  };
}

/** A text as the value of a header: what is not printable ASCII is percent-encoded, and so is a percent sign. */
function headerValue(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/** The same by the rules of CloudEvents, which encode quotes as well. */
function eventValue(text: string): string {
  return headerValue(text).replaceAll('"', "%22");
}

/** The `_id` in a form that people know, such as the 24 digits of an ObjectId. */
function subjectOf(id: unknown, idempotencyKey: string, source: string): string {
  if (typeof id === "string" || typeof id === "number") return String(id);
  const tag = (id as { _bsontype?: unknown } | null)?._bsontype;
  return tag === "ObjectId" || tag === "Long" ? String(id) : idempotencyKey.slice(source.length + 1);
}

/** A long value is replaced by its digest, which is as unique. */
function bounded(value: string): string {
  return value.length <= MAX_VALUE ? value : `sha256:${digest(value)}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
