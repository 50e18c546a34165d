import type { LeasedDocument } from "../ports.ts";

/**
 * The share of a lease that is relied on. The rest covers what this process cannot know: how far its estimate of the
 * server's clock is behind, and how long a handler takes to stop when it is aborted.
 */
const SAFE_SHARE = 0.9;

/** By the monotonic clock: until when a lease may be relied on unless it is renewed. */
export function safeUntilMs(document: LeasedDocument, leaseMs: number): number {
  return document.leasedAtMs + leaseMs * SAFE_SHARE;
}
