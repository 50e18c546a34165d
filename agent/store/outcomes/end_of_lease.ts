import type { Document, LeasedDocument } from "../../ports.ts";

/**
 * Every write that ends a lease removes these fields: a document without a token is not leased, even if its status is `processing`.
 */
export const LEASE_FIELDS = { "_pull.token": "", "_pull.owner": "" } as const;

/** What no document has whose lease was ended. */
export const UNLEASED = { "_pull.token": { $exists: false } } as const;

/** The mark of a suspect as it was claimed: a write that gives the attempt back takes the mark back, written or not. */
export function markAsClaimed({ suspect }: LeasedDocument): Document {
  return suspect ? { "_pull.alone": suspect.expiriesAlone } : {};
}
