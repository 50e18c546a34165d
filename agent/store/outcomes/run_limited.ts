import type { LeasedDocument } from "../../ports.ts";
import { join, type Unanswered, type Written } from "./written.ts";

/** Writes of one ack, release or renewal that are under way at once, at most. */
const WRITES_AT_ONCE = 4;

/** A write for several documents. */
export interface GroupWrite {
  documents: readonly LeasedDocument[];
  send(): Promise<Written>;
}

/** What became of several writes. */
export interface Sent {
  written: Written[];
  unanswered?: Unanswered | undefined;
}

/**
 * Sends the writes, a few at a time: documents that were claimed one by one have a token each, and each write under way
 * takes a connection. It waits for all of them. So no write is under way when it reports a failure, and it knows what
 * the others have written. Never throws.
 */
export async function runLimited(writes: readonly GroupWrite[]): Promise<Sent> {
  const written: Written[] = [];
  let unanswered: Unanswered | undefined;
  const waiting = writes.values();
  const send = async () => {
    for (const write of waiting) {
      try {
        const outcome = await write.send();
        written.push(outcome);
        unanswered = join(unanswered, outcome.unanswered);
      } catch (cause) {
        unanswered = join(unanswered, { documents: write.documents, cause, isLocked: false });
      }
    }
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, send));
  return { written, unanswered };
}
