// Written by hand: the names that @std/internal@1.0.12's diff.ts, diff_str.ts and build_message.ts ask of their
// ./types.ts, which holds types only and is therefore not carried by the executables that the other files are taken from.

/** What happened to a piece between the two sides of a comparison. */
export type DiffType = DiffResult<unknown>["type"];

/** A piece that is on both sides, or a mark that stands for pieces left out. */
export interface CommonDiffResult<T> {
  type: "common" | "truncation";
  value: T;
}

/** A piece that is on one side only, with the parts it is made of. */
export interface ChangedDiffResult<T> {
  type: "added" | "removed";
  value: T;
  details?: DiffResult<T>[];
}

/** A piece of a comparison. */
export type DiffResult<T> = CommonDiffResult<T> | ChangedDiffResult<T>;
