import type { Document } from "../../agent/ports.ts";

/** A document as it lies in the fake database. */
export interface StoredDocument {
  id: unknown;
  status: "pending" | "processing" | "processed" | "failed";
  token?: string;
  attempts: number;
  /** Expired leases that were taken over; from the second on the document is a suspect. */
  takeovers: number;
  /** Starts of its handler as a suspect. */
  alone: number;
  /** By the manual clock; 0 for a new document. */
  visibleAtMs: number;
  sizeBytes: number;
  fields: Document;
  error?: string;
  verdict?: Date;
}

/** What a document is that no agent has touched. */
export const NEW = {
  status: "pending",
  attempts: 0,
  takeovers: 0,
  alone: 0,
  visibleAtMs: 0,
  sizeBytes: 100,
} as const;

/** Whether it is one, as the claim protocol says. */
export function isSuspect({ alone, status, takeovers }: StoredDocument): boolean {
  return alone >= 1 || takeovers >= (status === "processing" ? 1 : 2);
}
