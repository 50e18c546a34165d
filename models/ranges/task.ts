import type { ModeName, Range } from "./range.ts";

/** What an agent is about to do, and all that it knows. */
export type Task =
  /** It has read the control document, and will read ids. */
  | {
    readonly kind: "control";
    readonly position: number;
    readonly version: number;
    readonly ranges: readonly Range[];
  }
  /** It has seen no agent in document mode, and will take range mode. */
  | { readonly kind: "look" }
  /** It has read ids, and will read the control document: the wrong order. */
  | { readonly kind: "ids"; readonly from: number; readonly ids: readonly number[] }
  /** `isAside`: at a random place. */
  | {
    readonly kind: "swap";
    readonly position: number;
    readonly version: number;
    readonly from: number;
    readonly ids: readonly number[];
    readonly isAside: boolean;
  }
  /**
   * It holds a range: documents to process, those that succeeded, writes that were sent and have no answer, and of all these
   * documents those that have a lease of their own, as it knows.
   */
  | {
    readonly kind: "range";
    readonly token: number;
    readonly todo: readonly number[];
    readonly done: readonly number[];
    readonly sent: readonly SentWrite[];
    readonly own: readonly number[];
    /** The document of its open transaction. */
    readonly open?: number;
  }
  /**
   * It has read what is left of an expired range, or a part that ends with `cutAt`; `isOurs`: and has taken it over.
   */
  | {
    readonly kind: "left";
    readonly token: number;
    readonly from: number;
    readonly to: number;
    readonly ids: readonly number[];
    readonly unanswered: readonly number[];
    readonly isOurs: boolean;
    readonly cutAt?: number;
  }
  /** It has found a new document, in document mode, and is about to claim it. */
  | { readonly kind: "candidate"; readonly doc: number }
  /** It holds one document by its own token. */
  | { readonly kind: "document"; readonly token: number; readonly doc: number; readonly isDone: boolean };

export type TaskOf<K extends Task["kind"]> = Extract<Task, { kind: K }>;

/**
 * A write of the holder of a range.
 *
 * - lease: gives a document a lease of its own, with the token of the range;
 * - verdict, letter: make a dead letter of a document that has such a lease. The letter stands for copy and mark;
 * - copy: its letter, which no condition guards;
 * - failure: its status alone is set.
 */
export interface SentWrite {
  readonly doc: number;
  readonly name: "ack" | "nack" | "release" | "lease" | "verdict" | "letter" | "copy" | "failure";
}

/** The same, with the token of the range. */
export interface HolderWrite extends SentWrite {
  readonly token: number;
}

/** A write whose sender has given it up. */
export type LateWrite =
  | HolderWrite
  | { readonly name: "mark" | "commit"; readonly doc: number }
  | { readonly name: "swap" } & Swap
  | { readonly name: "drop"; readonly token: number }
  | { readonly name: "cut" } & Pick<Range, "from" | "to" | "token">
  | { readonly name: "takeover"; readonly next: number } & Pick<Range, "from" | "to" | "token">
  | { readonly name: "mode"; readonly mode: ModeName }
  /** `isOver`: the lease of the mode that it carries has run out. */
  | { readonly name: "claim"; readonly doc: number; readonly token: number; readonly isOver: boolean };

/** The write that claims a range; `position` and `version` are as they were read. */
export interface Swap {
  readonly position: number;
  readonly version: number;
  readonly from: number;
  readonly to: number;
  readonly token: number;
  readonly isAside: boolean;
}
