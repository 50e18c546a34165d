import type { LeasedDocument } from "../../ports.ts";
import { isGivenUp, LockedDocumentsError } from "../limited_writes.ts";
import { join, together, type Unanswered, type Written } from "./written.ts";
import { runLimited } from "./run_limited.ts";

/** A write for several documents that can be sent for some of them. */
export interface DivisibleWrite {
  /** Sends it for `documents`, with a limit. Throws what the driver throws. */
  send(documents: readonly LeasedDocument[]): Promise<Written>;
  /** Those that a write which was given up has not reached, in the order in which the server writes them. */
  unreached(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]>;
}

/**
 * Sends a write for documents of which a transaction of another program may hold some. A single write waits for the end
 * of the transaction, and all that comes behind it in the same command waits with it. So the server gives the command up
 * after a while. The first document that it has not reached is the one that is locked: that one stays open, and the
 * others are written in halves, in parallel.
 *
 * @throws What the driver throws, if it was no lock and nothing was written before.
 */
export async function writeAroundLocks(
  documents: readonly LeasedDocument[],
  write: DivisibleWrite,
): Promise<Written> {
  try {
    return await write.send(documents);
  } catch (error) {
    if (!isGivenUp(error)) throw error;
    return await new AroundLocks(write, error).write(documents);
  }
}

class AroundLocks {
  readonly #write: DivisibleWrite;
  readonly #cause: unknown;
  readonly #locked: LeasedDocument[] = [];
  /** The parts of the next round. */
  #parts: (readonly LeasedDocument[])[] = [];

  constructor(write: DivisibleWrite, cause: unknown) {
    this.#write = write;
    this.#cause = cause;
  }

  async write(documents: readonly LeasedDocument[]): Promise<Written> {
    const written = [await this.#divide(documents)];
    let unanswered: Unanswered | undefined;
    while (this.#parts.length > 0) {
      const parts = this.#parts;
      this.#parts = [];
      const round = await runLimited(
        parts.map((part) => ({ documents: part, send: () => this.#send(part) })),
      );
      written.push(...round.written);
      unanswered = join(unanswered, round.unanswered);
    }
    const locked = this.#locked;
    const cause = new LockedDocumentsError(locked.length, this.#cause);
    if (locked.length > 0) unanswered = join(unanswered, { documents: locked, cause, isLocked: true });
    return together(written, unanswered);
  }

  async #send(part: readonly LeasedDocument[]): Promise<Written> {
    try {
      return await this.#write.send(part);
    } catch (error) {
      if (!isGivenUp(error)) throw error;
      return await this.#divide(part);
    }
  }

  /** After a write that was given up: counts what it has reached, and divides the rest. */
  async #divide(documents: readonly LeasedDocument[]): Promise<Written> {
    const unreached = await this.#write.unreached(documents);
    const [locked, ...rest] = unreached;
    if (locked) this.#locked.push(locked);
    const half = (rest.length + 1) >> 1;
    this.#parts.push(...[rest.slice(0, half), rest.slice(half)].filter(({ length }) => length > 0));
    return { matched: documents.length - unreached.length, missed: [], refused: new Map() };
  }
}
