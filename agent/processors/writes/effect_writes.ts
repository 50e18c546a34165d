import type { EffectWrite } from "../../ports.ts";
import { type CopyOptions, ExactCopy } from "../exact_copy.ts";
import { kindOf } from "../kind_of.ts";
import { resultRefusal } from "../result_refusal.ts";
import { checkInSource } from "./source_writes.ts";
import { writeOf } from "./write_shape.ts";
import { checkTarget, type WriteTargets } from "./write_targets.ts";

/** For which document a result is, and where its writes may go. */
export interface ResultScope {
  /** Its `_id`. */
  readonly id: unknown;
  readonly targets: WriteTargets;
}

/** The writes that a processor asks for. */
export interface AskedWrites {
  readonly writes: readonly EffectWrite[];
  /** Their size as BSON. */
  readonly bytes: number;
}

/** Writes of one document, at most. */
const MAX_WRITES = 1000;

/** How deep the fields of a write's document are within the list: in a write, and there under its name. */
const LEVELS = 2;

const COPY: CopyOptions = {
  whole: "writes",
  maxBytes: 8 * 1024 * 1024,
  tooLarge: "have more than 8 MiB, the most for one document: ask for less, or insert documents that are " +
    "processed one by one",
  mustBeGiven,
};

/** A condition that is left out would match other documents, and a change that is left out would be missed. */
function mustBeGiven([, kind, part, ...within]: readonly (string | number)[]): boolean {
  return kind !== "insertOne" && (part === "filter" || part === "update") && within.length > 0;
}

/**
 * A copy of the writes under `writes`, to be made as they are; undefined if there are none.
 *
 * @throws {PermanentError} If `writes` is no list of writes, one of them may not be made, or holds a value that cannot be
 * written as it is.
 */
export function effectWrites(writes: unknown, { id, targets }: ResultScope): AskedWrites | undefined {
  if (writes === undefined || writes === null) return undefined;
  if (!Array.isArray(writes)) {
    throw resultRefusal(
      `"writes" must be an array such as [{ collection: "invoices", insertOne: { ... } }], not ${
        kindOf(writes)
      }`,
    );
  }
  if (writes.length > MAX_WRITES) {
    throw resultRefusal(
      `"writes" has ${writes.length} writes, and ${MAX_WRITES} are the most for one document: ` +
        "ask for fewer, or insert documents that are processed one by one",
    );
  }
  const copy = new ExactCopy(COPY);
  const asked = copy.list(writes, LEVELS).map((entry, index) => {
    const place = `writes[${index}]`;
    const write = writeOf(entry, place);
    checkTarget(write.collection, place, targets);
    if (write.collection === targets.mongodbCollection) checkInSource(write, place, id);
    return write;
  });
  return asked.length > 0 ? { writes: asked, bytes: copy.sizeBytes } : undefined;
}
