import { assert, assertEquals } from "@std/assert";
import type { Terms } from "../witness/terms.ts";
import { LEASE_MS, SmallOplog } from "./small_oplog.ts";

/**
 * A run that breaks a rule of the witness, or makes it say a sentence: by what, and the writes that do it on the document
 * 1, which is pending.
 */
export type BrokenRun = readonly [
  said: string,
  what: string,
  write: (oplog: SmallOplog) => unknown,
  terms?: Partial<Terms>,
];

/** A failure that no retry mends. */
export const PERMANENT = { permanent: true };

/** Asserts that the witness finds the breach. */
export async function assertFound([said, , write, terms]: BrokenRun): Promise<void> {
  const oplog = new SmallOplog(terms);
  oplog.insert({ _id: 1, status: "pending" });
  write(oplog);
  const { breaches, ok } = await oplog.verdict();
  assertEquals(ok, false);
  assert(
    breaches.some(({ rule, what }) => said === rule || said === what),
    JSON.stringify(breaches, null, 1),
  );
}

/** The handler of a holder begins, the holder is killed, and its lease is over. */
export function lose(oplog: SmallOplog, agent: string): SmallOplog {
  oplog.begin(1, agent);
  return oplog.tell("killed", agent).wait(LEASE_MS);
}

/** Makes a suspect of the document, under the lease of `c`. */
export function suspect(oplog: SmallOplog): SmallOplog {
  lose(oplog.claim(1, "a"), "a");
  lose(oplog.takeOver(1, "b"), "b");
  return oplog.takeOver(1, "c");
}
