import { errorText } from "../errors.ts";

/** What a run saves for the next one. */
export interface Checkpoint {
  /** Each checkpoint of a document has a greater number than those before it, also in the next run. */
  readonly n: number;
  readonly data: unknown;
}

/** Checkpoints that the same write confirms: all that were made until it was sent. */
interface Group extends PromiseWithResolvers<void> {
  /** The number of the last of them. */
  n: number;
}

/** The checkpoints of one run. Only the last one counts: those before it need not be written. */
export class RunCheckpoints {
  #n: number;
  #unwritten: Checkpoint | undefined;
  /** Those that the next write takes with it. */
  #open: Group | undefined;
  /** Those of which a write was sent and not answered yet, the oldest first. */
  #sent: Group[] = [];
  readonly #onRefused: (error: unknown) => void;

  /**
   * @param found the checkpoint that the claim has found
   * @param onRefused called with what MongoDB says when it refuses a checkpoint
   */
  constructor(found: Checkpoint | undefined, onRefused: (error: unknown) => void) {
    this.#n = found?.n ?? 0;
    this.#onRefused = onRefused;
  }

  /** Whether the last checkpoint waits for a write, or for the answer of one. */
  get hasUnwritten(): boolean {
    return this.#unwritten !== undefined;
  }

  /** Takes a checkpoint in. The promise tells whether it is written, and does no harm if no code awaits it. */
  add(data: unknown): Promise<void> {
    this.#n += 1;
    this.#unwritten = { n: this.#n, data };
    if (this.#open === undefined) {
      this.#open = { ...Promise.withResolvers<void>(), n: this.#n };
      this.#open.promise.catch(() => {});
    }
    this.#open.n = this.#n;
    return this.#open.promise;
  }

  /** The last checkpoint, for a write that is sent now; undefined if it is written. */
  take(): Checkpoint | undefined {
    if (this.#open) this.#sent.push(this.#open);
    this.#open = undefined;
    return this.#unwritten;
  }

  /** A write of a checkpoint was answered: that one is written, or a newer one was before. */
  written({ n }: Checkpoint): void {
    this.#answered(n, ({ resolve }) => resolve());
  }

  /** MongoDB does not let the document take a checkpoint. */
  refused({ n }: Checkpoint, error: unknown): void {
    // What MongoDB says of one write in a bulk is no error of JavaScript's.
    const why = new Error(`MongoDB refuses the checkpoint: ${errorText(error)}`, { cause: error });
    this.#answered(n, ({ reject }) => reject(why));
    this.#onRefused(error);
  }

  /** The run was aborted: no code of it is to wait any longer. The last checkpoint is written with the outcome. */
  aborted(reason: unknown): void {
    for (const group of [...this.#sent, ...this.#open ? [this.#open] : []]) group.reject(reason);
  }

  #answered(n: number, settle: (group: Group) => void): void {
    if (this.#unwritten !== undefined && this.#unwritten.n <= n) this.#unwritten = undefined;
    for (const group of this.#sent) if (group.n <= n) settle(group);
    this.#sent = this.#sent.filter((group) => group.n > n);
  }
}
