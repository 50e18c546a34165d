import { BSON } from "mongodb";
import type { Details } from "../../details.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { visibleAt } from "../documents/bookkeeping.ts";
import type { MongoLeasedDocument } from "../documents/leased_document.ts";
import type { RawDocument } from "../documents/raw_document.ts";
import { isTakeover, type Kind } from "../queries.ts";

/** Tells how long after they were due documents were claimed, by the server's clock, if that is wanted. */
export class PickUps {
  readonly #options: PickUpOptions;

  constructor(options: PickUpOptions) {
    this.#options = options;
  }

  /** Whether candidates of this kind are to be read with the time when they are due. */
  isWantedOf(kind: Kind): boolean {
    const { details } = this.#options;
    return details !== undefined &&
      (details.isWanted || (details.arePickUpsWanted && kind === "due_retries"));
  }

  /** Some of the `candidates`, as they were read before their claim, are claimed. */
  claimed(kind: Kind, candidates: readonly RawDocument[], documents: readonly MongoLeasedDocument[]): void {
    const { details, serverClock } = this.#options;
    // A takeover is late by its lease, not by a lack of agents.
    if (!details || isTakeover(kind)) return;
    const nowMs = serverClock.now().getTime();
    if (details.arePickUpsWanted) {
      // The order of claims is that of their dates: the first that tells has waited for the longest time.
      const first = firstDueAt(taken(candidates, documents));
      if (first !== undefined) details.pickedUp(Math.max(0, nowMs - first));
    }
    if (!details.isWanted) return;
    for (const raw of taken(candidates, documents)) {
      const dueAtMs = dueAt(raw);
      if (dueAtMs !== undefined) details.emit({ type: "picked_up", delayMs: nowMs - dueAtMs });
    }
  }
}

/** What {@linkcode PickUps} need. */
export interface PickUpOptions {
  details?: Details | undefined;
  serverClock: ServerClock;
}

function taken(
  candidates: readonly RawDocument[],
  documents: readonly MongoLeasedDocument[],
): readonly RawDocument[] {
  if (candidates.length === documents.length) return candidates;
  const ids = new Set(documents.map(({ raw }) => raw.canonicalId()));
  return candidates.filter((raw) => ids.has(raw.canonicalId()));
}

function firstDueAt(documents: readonly RawDocument[]): number | undefined {
  for (const raw of documents) {
    const dueAtMs = dueAt(raw);
    if (dueAtMs !== undefined) return dueAtMs;
  }
}

/** In milliseconds since 1970; undefined if the document does not tell. */
function dueAt(raw: RawDocument): number | undefined {
  const visible = raw.bookkeeping && visibleAt(raw.bytes);
  if (visible) return visible.getTime();
  return raw.id instanceof BSON.ObjectId ? raw.id.getTimestamp().getTime() : undefined;
}
