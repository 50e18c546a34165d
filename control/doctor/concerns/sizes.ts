import { LARGEST_BATCH } from "../../../agent/claiming/auto_batch_size.ts";
import { MAX_CLAIM_BYTES, MAX_HELD_BYTES } from "../../../agent/claiming/capacity.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { databaseConcern } from "../concern.ts";
import { setting } from "../steps.ts";

const MIB = 2 ** 20;
/** What the program itself takes of its heap, in bytes. */
const OWN_BYTES = 64 * MIB;
/** A document takes about this many times its bytes once it is an object of JavaScript. */
const AS_OBJECTS = 4;

/** The size of documents beside BATCH_SIZE and the memory. */
export const sizes = databaseConcern({
  name: "sizes",
  doc: "the size of some documents, beside BATCH_SIZE, CONCURRENCY and the heap",
  findings: {
    heap: {
      level: "hurts",
      doc: "The documents that the agent holds may need more memory than its heap has.",
    },
    batch_bytes: {
      level: "note",
      doc: "A claim ends at 16 MiB: it brings fewer documents than `BATCH_SIZE`.",
    },
    idle_slots: {
      level: "hurts",
      doc: "The agent holds 32 MiB of documents: too few for all `CONCURRENCY` handlers.",
    },
  },
  *look({ sizes }, { heapLimitMiB, settings }) {
    if (sizes instanceof Unseen) return yield sizes;
    const { concurrency } = settings;
    const isAuto = settings.batchSize === "auto";
    const batchSize = settings.batchSize === "auto" ? LARGEST_BATCH : settings.batchSize;
    const { averageBytes, documents } = sizes;
    if (documents === 0) return;
    const of = `of ${documents} documents that were looked at, the average has ${inMiB(averageBytes)} MiB`;
    const heldBytes = Math.min(2 * batchSize * averageBytes, MAX_HELD_BYTES);
    const fitting = Math.max(1, Math.floor(MAX_CLAIM_BYTES / averageBytes));
    if (OWN_BYTES + AS_OBJECTS * heldBytes > heapLimitMiB * MIB) {
      const room = Math.max(heapLimitMiB * MIB - OWN_BYTES, MIB) / AS_OBJECTS;
      yield {
        is: "heap",
        says:
          `The heap has ${heapLimitMiB} MiB, and two batches of ${batchSize} documents may need more: ${of}`,
        steps: [setting("BATCH_SIZE", Math.max(1, Math.floor(room / averageBytes / 2)))],
      };
    } else if (concurrency * averageBytes > MAX_HELD_BYTES) {
      yield {
        is: "idle_slots",
        says: `CONCURRENCY is ${concurrency}, and ${
          MAX_HELD_BYTES / MIB
        } MiB of documents are held at once: ${of}`,
        steps: [setting("CONCURRENCY", Math.max(1, Math.floor(MAX_HELD_BYTES / averageBytes)))],
      };
    }
    if (batchSize > fitting && !isAuto) {
      yield {
        is: "batch_bytes",
        says:
          `A claim brings about ${fitting} documents instead of BATCH_SIZE (${batchSize}), as it ends at ` +
          `${MAX_CLAIM_BYTES / MIB} MiB: ${of}`,
        steps: [setting("BATCH_SIZE", fitting)],
      };
    }
  },
});

function inMiB(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
