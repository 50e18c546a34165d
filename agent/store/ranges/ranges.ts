import type { Collection, Document, Filter } from "mongodb";
import { doneBy } from "../../lib/deadline.ts";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import { RefusedWritesError, UnansweredWritesError } from "../../partial_writes.ts";
import type { LeasedDocument } from "../../ports.ts";
import { fleetCollection } from "../../settings/fleet_settings.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Link } from "../connection/link.ts";
import type { DeadLetterMaker } from "../dead_letters/dead_letter_maker.ts";
import { isInRange } from "../held_by.ts";
import { isOfDocument } from "../mongo_errors.ts";
import type { StoreContext } from "../store_context.ts";
import { DocumentMode } from "./document_mode.ts";
import { DroppedRanges } from "./dropped_ranges.ts";
import { ExpiredRanges } from "./expired_ranges.ts";
import { filterText } from "./filter_text.ts";
import { giveOwnLeases, leaveRanges } from "./own_leases.ts";
import type { RangeParts } from "./range_claimer.ts";
import { ModeLease } from "./mode_lease.ts";
import { RangeControl } from "./range_control.ts";
import { RangeMode } from "./range_mode.ts";
import { renewWithRanges } from "./range_renewal.ts";

/** The end of an agent waits for its ranges to be dropped for so long at most, in milliseconds: otherwise they run out. */
const FLUSH_MS = 2000;

/** What a store does otherwise if its new documents are held by ranges. */
export class Ranges {
  /** What the claims need of it. */
  readonly parts: RangeParts;
  readonly #options: RangesOptions;

  constructor(options: RangesOptions) {
    this.#options = options;
    const filter = filterText(options.filter);
    const control = new RangeControl({ ...options, collection: options.agents });
    const lease = new ModeLease({ ...options, filter, mode: "range" });
    this.parts = {
      control,
      dropped: new DroppedRanges({ ...options, control }),
      expired: new ExpiredRanges({ ...options, control }),
      mode: new RangeMode({ ...options, lease }),
    };
  }

  /** Renews leases; `renewOthers` those that documents carry. What is in a range leaves it. Throws what the driver throws. */
  async renew(
    documents: readonly LeasedDocument[],
    renewOthers: (documents: readonly LeasedDocument[]) => Promise<readonly LeasedDocument[]>,
  ): Promise<readonly LeasedDocument[]> {
    return await renewWithRanges(documents, this.#options, renewOthers);
  }

  /**
   * Makes a dead letter of a document, which is several writes: it gets a lease of its own first. If the database lets it
   * take none, its status alone tells what it is. Returns 0 if this agent does not hold it any more. Throws what the driver
   * throws.
   */
  async deadLetter(document: LeasedDocument, error: string, maker: DeadLetterMaker): Promise<number> {
    if (!isInRange(document)) return await maker.make(document, error);
    const { lost, refused, unanswered } = await giveOwnLeases([document], this.#options);
    if (unanswered) throw unanswered.cause;
    const refusal = refused.get(document);
    if (refusal === undefined) return lost.length === 0 ? await maker.make(document, error) : 0;
    if (!isOfDocument(refusal)) throw refusal;
    return await maker.makeWithoutLease(document, error);
  }

  /** Resolves once all ranges that are done are dropped. Never throws. */
  async flush(): Promise<void> {
    await doneBy(this.parts.dropped.flush(), { clock: this.#options.clock, limitMs: FLUSH_MS });
  }
}

/** What a store does besides because of its mode. An agent that shows itself to no other one takes no part in it. */
export function claimModes(
  { claimMode, fleet }: Partial<Pick<Settings, "claimMode" | "fleet">>,
  { link, ...shared }: Omit<RangesOptions, "agents" | "hello"> & {
    link: Pick<Link, "collection" | "told">;
  },
): { ranges?: Ranges; documentMode?: DocumentMode } {
  const { collectionName, dbName } = shared.collection;
  const agents = link.collection(dbName, fleetCollection(collectionName));
  const options = { ...shared, agents, hello: () => link.told.hello };
  if (claimMode === "range") return { ranges: new Ranges(options) };
  return fleet === "on" ? { documentMode: documentMode(options) } : {};
}

/** What keeps an agent in document mode out of the ranges of others. */
function documentMode(options: RangesOptions): DocumentMode {
  const control = new RangeControl({ ...options, collection: options.agents });
  const expired = new ExpiredRanges({ ...options, control });
  const lease = new ModeLease({ ...options, filter: filterText(options.filter), mode: "document" });
  return new DocumentMode({ ...options, control, expired, lease });
}

/** Takes note of the documents that a write was answered for. Throws what the write throws. */
export async function leavingRanges<T>(documents: readonly LeasedDocument[], write: Promise<T>): Promise<T> {
  try {
    const result = await write;
    leaveRanges(documents);
    return result;
  } catch (error) {
    if (error instanceof RefusedWritesError || error instanceof UnansweredWritesError) {
      const isOpen = (at: number) =>
        error.refused.has(at) || (error instanceof UnansweredWritesError && error.unanswered.has(at));
      leaveRanges(documents.filter((_, at) => !isOpen(at)));
    }
    throw error;
  }
}

/** What {@linkcode Ranges} need. */
export interface RangesOptions extends StoreContext, TimeAndChance {
  /** The collection of the agents. */
  agents: Collection;
  /** What the server says of itself; undefined as long as it has not. */
  hello(): Document | undefined;
  filter: Filter<Document> | undefined;
  /** The name of this agent. */
  owner: string;
  /** Makes dead letters of documents that take no bookkeeping. */
  refusals: DeadLetterMaker;
  /** Asks for the server's time. */
  syncClock(): Promise<void>;
}
