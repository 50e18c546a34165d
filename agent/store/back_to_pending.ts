import type { Document } from "../ports.ts";
import type { ServerClock } from "./connection/server_clock.ts";

/**
 * The fields of a document that is released, due after `delayMs`. `visible_at` stays: a document with bookkeeping is
 * read back after its next claim.
 */
export function backToPending(
  serverClock: ServerClock,
  bookkeeping: Document = {},
  delayMs = 0,
): Document {
  return { status: "pending", "_pull.visible_at": serverClock.now(delayMs), ...bookkeeping };
}
