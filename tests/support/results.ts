/**
 * What processors of the collection `shop.orders` return, for the document with the `_id` 7.
 *
 * @module
 */

import { entriesOf as entriesIn, resultOf as resultIn } from "../../agent/processors/result.ts";
import type { ResultScope } from "../../agent/processors/writes/effect_writes.ts";
import type { WriteTargets } from "../../agent/processors/writes/write_targets.ts";
import type { HandlerResult } from "../../agent/settling/outcome.ts";

/** Writes may go to any collection. */
export const TARGETS: WriteTargets = {
  mongodbDatabase: "shop",
  mongodbCollection: "orders",
  deadLetterCollection: "orders_dead_letters",
  writesTo: undefined,
};

const SCOPE: ResultScope = { id: 7, targets: TARGETS };

/** The result that a returned value is. */
export function resultOf(returned: unknown, scope: Partial<ResultScope> = {}): Promise<HandlerResult> {
  return resultIn(returned, { ...SCOPE, ...scope });
}

/** The results that a returned value is for `count` documents. */
export function entriesOf(returned: unknown, count: number): Promise<HandlerResult[]> {
  return entriesIn(returned, Array.from({ length: count }, () => SCOPE));
}
