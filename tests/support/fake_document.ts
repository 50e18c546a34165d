import { byteLength } from "../../agent/text/utf8.ts";
import type { Document, LeasedDocument, Verdict } from "../../agent/ports.ts";

let made = 0;

/** A leased document as handlers and writers see it, with the parts that a test wants to be different. */
export function fakeDocument(given: Partial<FakeDocument> & { fields?: Document } = {}): FakeDocument {
  const { fields, ...rest } = given;
  const id = given.id ?? `document-${++made}`;
  return {
    id,
    idempotencyKey: `test.documents:${JSON.stringify(id)}`,
    token: "token-1",
    attempt: 1,
    snoozes: 0,
    saved: undefined,
    checkpoints: undefined,
    traceNote: undefined,
    sizeBytes: 100,
    leasedAtMs: 1000,
    suspect: undefined,
    wasTakenOver: false,
    deadLetterReason: undefined,
    verdict: undefined,
    leaseRenewed(sentAtMs) {
      this.leasedAtMs = sentAtMs;
    },
    shortText: (field, maxBytes) => {
      const value: unknown = { _id: id, ...fields }[field];
      return typeof value === "string" && byteLength(value) <= maxBytes ? value : undefined;
    },
    read: () => ({ _id: id, status: "processing", ...structuredClone(fields ?? {}) }),
    ...rest,
  };
}

/** {@linkcode LeasedDocument} with every part open to tests. */
export interface FakeDocument extends LeasedDocument {
  verdict: Verdict | undefined;
  leasedAtMs: number;
}
