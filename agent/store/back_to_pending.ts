import type { Document } from "../ports.ts";
import type { ServerClock } from "./connection/server_clock.ts";

/**
 * The fields of a document that is released, due at once. `visible_at` stays: a document with bookkeeping is read back
 * after its next claim.
 */
export function backToPending(serverClock: ServerClock, bookkeeping: Document = {}): Document {
  return { status: "pending", "_pull.visible_at": serverClock.now(), ...bookkeeping };
}
