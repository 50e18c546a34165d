import type { Collection } from "mongodb";
import { validDate } from "../lib/valid_date.ts";
import { possibleIds } from "./documents/parse_id.ts";
import type { RangeOfOptions } from "./ranges/range_of.ts";
import { type KnownDocument, knownFields, knownIn, withRanges } from "./requeue/known_document.ts";
import { atTime } from "./server/server_time.ts";
import type { StoreServer } from "./server/store_server.ts";
import { STANDING, STATUS } from "./requeue/standing.ts";

/** A document that may be canceled. */
export interface ToCancel extends KnownDocument {
  /** Its status as it is stored. */
  readonly stored: unknown;
  /** The agent that holds it, if one does. */
  readonly owner: unknown;
  readonly canceledAt: Date | undefined;
}

/** Standings of a document that waits or is processed, and that a cancel may write. */
const CANCELABLE: readonly ToCancel["standing"][] = ["free", "waiting", "leased", "foreign_lease"];

/**
 * Cancels documents for an operator: it gives them a status that no agent claims, and ends their lease. The holder loses
 * the document as it does if a user sets another status.
 */
export class Cancellation {
  readonly #options: CancellationOptions;

  constructor(options: CancellationOptions) {
    this.#options = options;
  }

  /** The documents that a typed id may mean. Throws what the driver throws. */
  async find(typed: string): Promise<ToCancel[]> {
    const query = { _id: { $in: possibleIds(typed) as never[] } };
    const found = await this.#options.collection.find<Uint8Array>(query, {
      projection: {
        ...knownFields(this.#options.server.time),
        stored: "$status",
        owner: "$_pull.owner",
        canceled_at: "$_pull.canceled.at",
      },
      raw: true,
    }).toArray();
    return await withRanges(found.map(read), this.#options);
  }

  /**
   * Cancels a document that waits or is processed. Returns `false` if it is neither any more, or if its dead letter is
   * decided.
   */
  async cancel(id: unknown, reason: string | undefined): Promise<boolean> {
    const { matchedCount } = await this.#options.collection.updateOne({
      _id: { $eq: id } as never,
      $expr: {
        $and: [{ $in: [STATUS, ["pending", "processing"]] }, {
          $in: [atTime(STANDING, this.#options.server.time), CANCELABLE],
        }],
      },
    }, {
      $set: { status: "canceled", ...(reason !== undefined && { "_pull.canceled.reason": reason }) },
      $currentDate: { "_pull.canceled.at": true },
      // The reason of an earlier cancellation is not that of this one.
      $unset: { ...FIELDS_OF_THE_LEASE, ...(reason === undefined && { "_pull.canceled.reason": "" }) },
    }, { hint: { _id: 1 } });
    return matchedCount > 0;
  }
}

/** What a {@linkcode Cancellation} needs. */
interface CancellationOptions extends RangeOfOptions {
  readonly collection: Collection;
  readonly server: StoreServer;
}

/** What tells of a lease, and of when the document is due: attempts, errors and the checkpoint stay, to be looked at. */
const FIELDS_OF_THE_LEASE = {
  "_pull.token": "",
  "_pull.owner": "",
  "_pull.visible_at": "",
  "_pull.takeovers": "",
  "_pull.alone": "",
} as const;

function read(bytes: Uint8Array): ToCancel {
  const { fields: { canceled_at: at, owner, stored }, known } = knownIn(bytes);
  return { ...known, stored, owner, canceledAt: validDate(at) };
}
