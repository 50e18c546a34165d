/**
 * Documents that have already ended processes that held them.
 *
 * @module
 */

import type { Document } from "../../agent/ports.ts";
import { type AnyDocument, LONG_AGO } from "./store.ts";

/** A document whose lease has expired: the bookkeeping says how often before, and how often while it was alone. */
export function expired(
  _id: unknown,
  { takeovers = 0, alone = 0, attempts = 1, ...fields }: Document = {},
): AnyDocument {
  return {
    _id,
    status: "processing",
    ...fields,
    _pull: {
      token: `gone-${_id}`,
      owner: "gone",
      visible_at: LONG_AGO,
      attempts,
      ...(takeovers > 0 && { takeovers }),
      ...(alone > 0 && { alone }),
    },
  };
}

/** Remembers which handlers overlapped. */
export class OverlapRecorder {
  readonly running = new Set<unknown>();
  readonly runs: unknown[] = [];
  /** Ids that ran while others did, with these. */
  readonly company = new Map<unknown, Set<unknown>>();

  async run(id: unknown, work: () => unknown = () => {}): Promise<void> {
    this.runs.push(id);
    for (const other of this.running) {
      this.#met(id, other);
      this.#met(other, id);
    }
    this.running.add(id);
    try {
      await work();
    } finally {
      this.running.delete(id);
    }
  }

  #met(id: unknown, other: unknown): void {
    if (!this.company.has(id)) this.company.set(id, new Set());
    this.company.get(id)!.add(other);
  }
}
