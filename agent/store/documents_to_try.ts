import type { Collection, Document, Filter } from "mongodb";
import type { Clock } from "../lib/clock.ts";
import { BusyKeys } from "./claims/busy_keys.ts";
import { CandidateReader } from "./claims/candidates.ts";
import { ExcludedIds } from "./claims/excluded_ids.ts";
import { UnreportedRefusals } from "./claims/unreported_refusals.ts";
import type { MongoLeasedDocument } from "./documents/leased_document.ts";
import { nextRunOf } from "./documents/next_run.ts";
import { possibleIds } from "./documents/parse_id.ts";
import { filterAtFault } from "./filter.ts";
import type { StoreServer } from "./server/store_server.ts";
import { claimable, type Kind, type SuspectKind } from "./queries.ts";

/** The kinds in the order of an agent that starts: those that are rare come first. */
const KINDS: readonly Kind[] = ["due_retries", "expired_leases", "new_documents"];

/** Reads documents for a processor that is tried on them. It writes nothing, and holds one document at a time. */
export class DocumentsToTry {
  readonly #options: DocumentsToTryOptions;
  readonly #candidates: CandidateReader;

  constructor(options: DocumentsToTryOptions) {
    this.#options = options;
    this.#candidates = new CandidateReader({
      ...options,
      busy: new BusyKeys(options.clock),
      excluded: new ExcludedIds(options.clock),
      unreported: new UnreportedRefusals(),
    });
  }

  /**
   * The documents that an agent would claim next, at most `limit`. One that another agent takes meanwhile is left out.
   *
   * @throws what the driver throws
   * @throws {UsageError} if the server cannot use `FILTER`
   */
  async *next(limit: number): AsyncGenerator<MongoLeasedDocument> {
    let left = limit;
    for (const kind of KINDS) {
      if (left <= 0) return;
      for (const id of await this.#idsOf(kind, left)) {
        const document = await this.#read(
          id,
          claimable(kind, this.#options.server.time, this.#options.filter),
        );
        if (document === undefined) continue;
        left -= 1;
        yield document;
      }
    }
    if (left <= 0) return;
    // An agent takes suspects, one by one, when it holds nothing.
    for (const { kind, raw } of (await this.#candidates.suspects()).slice(0, left)) {
      const document = await this.#read(
        raw.id,
        claimable(kind satisfies SuspectKind, this.#options.server.time, this.#options.filter),
      );
      if (document) yield document;
    }
  }

  /** The documents that a typed id may mean, of any status. Throws what the driver throws. */
  async withId(text: string): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const query = { _id: { $in: possibleIds(text) as never[] } };
    const found = await collection.find<Uint8Array>(query, { raw: true, maxTimeMS }).toArray();
    return found.map((bytes) => nextRunOf(bytes, collection.namespace));
  }

  async #idsOf(kind: Kind, documents: number): Promise<unknown[]> {
    try {
      const limit = { documents, bytes: Infinity, isEmpty: true };
      return (await this.#candidates.ids(kind, limit, {})).ids;
    } catch (error) {
      throw filterAtFault(error, this.#options.filter);
    }
  }

  async #read(id: unknown, query: Filter<Document>): Promise<MongoLeasedDocument | undefined> {
    const { collection, maxTimeMS } = this.#options;
    const same = { $and: [{ _id: { $eq: id as never } }, query] };
    const [bytes] = await collection.find<Uint8Array>(same, { raw: true, limit: 1, maxTimeMS }).toArray();
    return bytes && nextRunOf(bytes, collection.namespace);
  }
}

/** What {@linkcode DocumentsToTry} needs. */
export interface DocumentsToTryOptions {
  collection: Collection;
  clock: Clock;
  server: StoreServer;
  filter: Filter<Document> | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}
