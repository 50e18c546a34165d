/**
 * What every {@linkcode DocumentStore} promises: each method and each field of a leased document has its cases here, and
 * a method without any is a type error. The real store and the one of the unit tests pass the same suite, so a unit test
 * cannot rely on what MongoDB does not do.
 *
 * Left to the tests with a real MongoDB is what only a server does: `conflicts`, `refused` and `heldUp` of a claim, and
 * writes of which a part has no answer.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { DocumentStore } from "../../agent/ports.ts";
import { type Cases, it } from "./cases.ts";
import { CLAIM, CLAIM_SUSPECT, EXCLUDE, LEFT_ALONE, RECOVER } from "./claim_cases.ts";
import { CANCELED, LEASED_DOCUMENT, MARK_RUNNING_ALONE, RENEW } from "./lease_cases.ts";
import { ACK, DEAD_LETTER, FINISH_VERDICT, NACK, RELEASE, SNOOZE } from "./outcome_cases.ts";
import { ACK_WITH_WRITES } from "./effect_cases.ts";
import type { Subject } from "./subject.ts";

type Kind = keyof Subject["errors"];

/** A method that tells one kind of error from the others. */
function tells(method: "isTransient" | "isDoubtful" | "isForbidden", kind: Kind, also: Kind[] = []): Cases {
  return [
    // deno-lint-ignore require-await
    it(`is true for an error that is ${kind}, and false for the other kinds`, async (subject) => {
      const { errors, store } = subject;
      for (const [each, error] of Object.entries(errors)) {
        // A missing right is transient, too: an operator may grant it meanwhile.
        if (also.includes(each as Kind)) continue;
        assertEquals(store[method](error), each === kind, each);
      }
    }),
  ];
}

const CONTRACT: { readonly [Method in keyof DocumentStore]: Cases } = {
  claim: CLAIM,
  claimSuspect: CLAIM_SUSPECT,
  leftAlone: LEFT_ALONE,
  markRunningAlone: MARK_RUNNING_ALONE,
  recover: RECOVER,
  ack: ACK,
  ackWithWrites: ACK_WITH_WRITES,
  nack: NACK,
  release: RELEASE,
  snooze: SNOOZE,
  renew: RENEW,
  canceled: CANCELED,
  deadLetter: DEAD_LETTER,
  finishVerdict: FINISH_VERDICT,
  exclude: EXCLUDE,
  isTransient: tells("isTransient", "transient", ["forbidden"]),
  isDoubtful: tells("isDoubtful", "doubtful"),
  isForbidden: tells("isForbidden", "forbidden"),
};

/**
 * Makes a test of each case of the contract, or of those whose promise `accept` accepts, each on a collection of its own. With
 * `ignore` none of them runs: the server cannot do what they are about.
 */
export function testDocumentStore(
  name: string,
  open: () => Promise<Subject>,
  { accept = () => true, ignore = false }: { accept?(promise: string): boolean; ignore?: boolean } = {},
): void {
  const contracts = [
    ...Object.entries(CONTRACT).map(([method, cases]) => [`${name}.${method}()`, cases] as const),
    ...Object.entries(LEASED_DOCUMENT).map(([field, cases]) =>
      [`LeasedDocument.${field} of a ${name}`, cases] as const
    ),
  ];
  for (const [subject, cases] of contracts) {
    for (const { check, promise } of cases.filter((each) => accept(each.promise))) {
      Deno.test(`${subject} ${promise}`, { ignore }, async () => {
        await using opened = await open();
        await check(opened);
      });
    }
  }
}
