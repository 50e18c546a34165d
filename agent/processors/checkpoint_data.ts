import { PermanentError } from "../errors.ts";
import { type CopyOptions, ExactCopy } from "./exact_copy.ts";

/** The largest checkpoint, in bytes: it is written again and again. */
const MAX_BYTES = 16 * 1024;

/** Levels of the document above it: it is written as `_pull.saved.data`. */
const DEPTH = 3;

const CHECKPOINT: CopyOptions = {
  whole: "data",
  maxBytes: MAX_BYTES,
  tooLarge: "is larger than 16 KiB: save how far the work is, no results",
  refusal: (why, options) => new PermanentError(`Cannot write the checkpoint: ${why}`, options),
};

/**
 * A copy of what a handler saves, to be written as it is.
 *
 * @throws {PermanentError} If it is too large, or holds a value that cannot be written as it is.
 */
export function checkpointData(data: unknown): unknown {
  return new ExactCopy(CHECKPOINT).value(data, DEPTH);
}
