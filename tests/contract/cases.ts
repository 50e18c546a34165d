import { assertEquals } from "@std/assert";
import type { Claim, DocumentStore, LeasedDocument, Settlement } from "../../agent/ports.ts";
import type { Given, Subject } from "./subject.ts";

/** A promise of a port, and how it is checked. */
export interface Case {
  /** What the method does, as it reads behind its name. */
  readonly promise: string;
  readonly check: (subject: Subject) => Promise<void>;
}

/** At least one. */
export type Cases = readonly [Case, ...Case[]];

/** A case; the promise reads behind the name of what it is about. */
export function it(promise: string, check: Case["check"]): Case {
  return { promise, check };
}

/** Room for all that a case inserts. */
export const ALL = { documents: 100, bytes: 1_000_000 };

/** Documents that no agent has touched. */
export function fresh(...ids: string[]): Given[] {
  return ids.map((id) => ({ id, fields: { text: `text of ${id}` } }));
}

/** A document that is a suspect, as an agent that held it is gone. */
export function suspect(id: string, expired: NonNullable<Given["expired"]> = {}): Given {
  return { id, expired: { takeovers: 1, ...expired } };
}

/** The ids of claimed documents, sorted. */
export function idsOf(claimed: Claim | readonly LeasedDocument[]): unknown[] {
  const documents = "documents" in claimed ? claimed.documents : claimed;
  return documents.map(({ id }) => id).sort();
}

/** Claims the only document that can be claimed. */
export async function claimOne(store: DocumentStore): Promise<LeasedDocument> {
  const { documents } = await store.claim(ALL);
  assertEquals(documents.length, 1);
  return documents[0]!;
}

/** Claims a suspect. */
export async function claimSuspect(store: DocumentStore): Promise<LeasedDocument> {
  const { documents } = await store.claimSuspect();
  assertEquals(documents.length, 1);
  return documents[0]!;
}

/** Inserts new documents and claims them all, in the order of their ids. */
export async function claimed(subject: Subject, ...ids: string[]): Promise<LeasedDocument[]> {
  await subject.insert(...fresh(...ids));
  const { documents } = await subject.store.claim(ALL);
  assertEquals(documents.length, ids.length);
  return documents.toSorted((one, other) => (String(one.id) < String(other.id) ? -1 : 1));
}

/** Another agent takes over a document whose lease has expired. */
export async function takeOver(subject: Subject, id: string): Promise<LeasedDocument> {
  await subject.expireLease(id);
  return await claimOne(subject.other);
}

/** What of a settlement can be compared. */
export function told({ matched, missed }: Settlement): { matched: number; missed: unknown[] } {
  return { matched, missed: idsOf(missed) };
}
