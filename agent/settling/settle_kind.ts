import type { SettleKind } from "../events.ts";
import type { Outcome } from "./outcome.ts";

/** The kind of write that an outcome takes. */
export function settleKindOf(outcome: Outcome): SettleKind {
  return outcome.kind === "ack" && asksForWrites(outcome) ? "ack_with_writes" : outcome.kind;
}

/** Whether a processor asks for writes besides the fields of its document. */
function asksForWrites(
  { writes = [] }: { readonly writes?: readonly unknown[] | undefined },
): boolean {
  return writes.length > 0;
}

/** Whether such a write marks documents as processed. */
export function isAck(kind: SettleKind): boolean {
  return kind === "ack" || kind === "ack_with_writes";
}
