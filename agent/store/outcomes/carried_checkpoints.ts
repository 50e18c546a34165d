import type { Document, UpdateFilter } from "mongodb";
import type { Checkpoint, LeasedDocument } from "../../ports.ts";
import type { Sent } from "./run_limited.ts";
import { join } from "./written.ts";

/** The checkpoints that a write takes with it, by their documents. */
export type Carried = ReadonlyMap<LeasedDocument, Checkpoint>;

/** The last checkpoints of documents, as far as they are not written; a write of them is sent now. */
export function takeCheckpoints(documents: readonly LeasedDocument[]): Carried {
  const carried = new Map<LeasedDocument, Checkpoint>();
  for (const document of documents) {
    const checkpoint = document.checkpoints?.take();
    if (checkpoint !== undefined) carried.set(document, checkpoint);
  }
  return carried;
}

/**
 * An update that writes a checkpoint as well, unless a newer one is there. Embedded documents are compared field by
 * field: the number comes first.
 */
export function withCheckpoint(
  update: UpdateFilter<Document>,
  checkpoint: Checkpoint | undefined,
): UpdateFilter<Document> {
  if (checkpoint === undefined) return update;
  const { n, data } = checkpoint;
  return { ...update, $max: { ...update.$max, "_pull.saved": { n, data } } } as UpdateFilter<Document>;
}

/**
 * Ends leases, and writes the last checkpoint of each run by the same write. If the database refuses that, perhaps
 * because the document has no room for the checkpoint, it is written once more without.
 *
 * @param send writes the documents, those with what they carry by a write of their own each
 */
export async function carryCheckpoints(
  documents: readonly LeasedDocument[],
  send: (documents: readonly LeasedDocument[], carried: Carried) => Promise<Sent>,
): Promise<Sent> {
  const carried = takeCheckpoints(documents);
  const first = await send(documents, carried);
  if (carried.size === 0) return first;
  tellWritten(carried, first);
  const refusals = new Map(first.written.flatMap(({ refused }) => [...refused]));
  const again = documents.filter((document) => carried.has(document) && refusals.has(document));
  if (again.length === 0) return first;
  const second = await send(again, new Map());
  for (const document of writtenOf(again, second)) {
    document.checkpoints?.refused(carried.get(document)!, refusals.get(document));
  }
  const others = first.written.map((written) => ({
    ...written,
    refused: new Map([...written.refused].filter(([document]) => !carried.has(document))),
  }));
  return {
    written: [...others, ...second.written],
    unanswered: join(first.unanswered, second.unanswered),
  };
}

function tellWritten(carried: Carried, sent: Sent): void {
  for (const document of writtenOf([...carried.keys()], sent)) {
    document.checkpoints?.written(carried.get(document)!);
  }
}

/** The documents that are known to be written. */
function writtenOf(
  documents: readonly LeasedDocument[],
  { written, unanswered }: Sent,
): readonly LeasedDocument[] {
  const open = new Set<LeasedDocument>(unanswered?.documents);
  for (const { missed, refused } of written) {
    for (const each of [...missed, ...refused.keys()]) open.add(each);
  }
  return documents.filter((document) => !open.has(document));
}
