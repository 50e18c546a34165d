import type { LeasedDocument } from "../../ports.ts";

/**
 * A range that this agent holds, and which of its documents may still be new. Once none may be, it is dropped: before, a
 * write that is under way could meet the next holder of the document.
 */
export class HeldRange {
  readonly token: string;
  readonly #open = new Set<LeasedDocument>();
  readonly #onDone: (token: string) => void;

  /** @param onDone called when none of its documents is new any more */
  constructor(token: string, onDone: (token: string) => void) {
    this.token = token;
    this.#onDone = onDone;
  }

  /** A document is in it. */
  add(document: LeasedDocument): void {
    this.#open.add(document);
  }

  /** A document is not new any more, for certain: a write on it was answered. */
  left(document: LeasedDocument): void {
    if (this.#open.delete(document) && this.#open.size === 0) this.#onDone(this.token);
  }
}
