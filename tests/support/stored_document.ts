import type { Checkpoint, Document } from "../../agent/ports.ts";

/** A document as it lies in the fake database. */
export interface StoredDocument {
  id: unknown;
  status: "pending" | "processing" | "processed" | "failed" | "canceled";
  token?: string;
  attempts: number;
  /** How often a processor has put it off. */
  snoozes: number;
  /** The last checkpoint of its runs. */
  saved?: Checkpoint | undefined;
  /** Expired leases that were taken over; from the second on the document is a suspect. */
  takeovers: number;
  /** Starts of its handler as a suspect. */
  alone: number;
  /** By the manual clock: when it is due, or its lease expires; undefined for a new document. */
  visibleAtMs?: number | undefined;
  sizeBytes: number;
  fields: Document;
  error?: string | undefined;
  verdict?: Date;
}

/** What a document is that no agent has touched. */
export const NEW = {
  status: "pending",
  attempts: 0,
  snoozes: 0,
  takeovers: 0,
  alone: 0,
  sizeBytes: 100,
} as const;

/** Leases that may expire while the document was processed alone; then it is a dead letter. */
export const EXPIRIES_ALONE = 2;

/** Whether it is one, as the claim protocol says; no handler will see it again once its fate is decided. */
export function isSuspect({ alone, status, takeovers, verdict }: StoredDocument): boolean {
  if (takeovers < 1) return false;
  if (status === "pending") return alone >= 1 || takeovers >= 2;
  return alone < EXPIRIES_ALONE && verdict === undefined;
}

/** Made once: `localeCompare` with options makes one for each pair, which took half of the time of some tests. */
const NUMERIC = new Intl.Collator("en", { numeric: true });

/** The order of claims: retries, expired leases, new documents; of each kind what is due longest, then by `_id`. */
export function byClaimOrder(one: StoredDocument, other: StoredDocument): number {
  return rank(one) - rank(other) || (one.visibleAtMs ?? 0) - (other.visibleAtMs ?? 0) ||
    NUMERIC.compare(String(one.id), String(other.id));
}

function rank({ status, visibleAtMs }: StoredDocument): number {
  if (status === "processing") return 1;
  return visibleAtMs === undefined ? 2 : 0;
}

/** Documents in another order: new ones first, beginning at a place behind the first of them. */
export function fromPlace(place: number, claimable: readonly StoredDocument[]): StoredDocument[] {
  const isNew = (stored: StoredDocument) => rank(stored) === 2;
  return [claimable.filter(isNew), claimable.filter((each) => !isNew(each))].flatMap((part) => {
    const at = part.length < 2 ? 0 : 1 + place % (part.length - 1);
    return [...part.slice(at), ...part.slice(0, at)];
  });
}
