import { MAX_RESULT_BYTES } from "./result_capacity.ts";

/** Documents in one write, at most. */
export const MAX_BATCH = 2000;

/**
 * What bounds the writes of acks with the writes that processors ask for. Each is a transaction: none is larger than the
 * server can hold, and the agent has one at a time.
 */
export const TRANSACTION_LIMITS = { maxItems: 100, maxBytes: 8 * 1024 * 1024, maxWrites: 1 } as const;

/**
 * What bounds the writes of dead letters. Each takes several round trips, of which three wait for the disk: many under way
 * at once share these waits, so that a drain ends in time on a slow disk.
 */
export const DEAD_LETTER_LIMITS = { maxItems: 1, maxWrites: 16 } as const;

/** What bounds the writes of each kind of outcome. */
export const BATCH_LIMITS = {
  /** An ack waits this long for others, in milliseconds; less if nothing else of its claim is running. */
  lingerMs: 5,
  /**
   * Bytes of the fields that processors want written, in one write: half of what may wait, so that one write is under
   * way while the next one is gathered.
   */
  maxBytes: MAX_RESULT_BYTES / 2,
  /**
   * Writes of a kind that are under way at once: two, so that one can be gathered and sent while the other waits for its
   * answer.
   */
  maxWrites: 2,
} as const;
