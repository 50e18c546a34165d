import type { LeasedDocument } from "../../ports.ts";
import { heldAlike } from "../held_by.ts";
import { join, together, type Unanswered, type Written } from "./written.ts";

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
 * A write for documents that are held alike. Those of a range may have got leases of their own by the time that it is sent:
 * then it is one write for these, and one for the others.
 */
export function writeAlike(
  documents: readonly LeasedDocument[],
  send: (alike: readonly LeasedDocument[]) => Promise<Written>,
): GroupWrite {
  return {
    documents,
    async send() {
      const groups = heldAlike(documents);
      if (groups.length === 1) return await send(documents);
      const parts = groups.map((group) => ({ documents: group, send: () => send(group) }));
      const { unanswered, written } = await runLimited(parts);
      return together(written, unanswered);
    },
  };
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
