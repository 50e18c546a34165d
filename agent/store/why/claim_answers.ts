import type { Collection, Document, Filter } from "mongodb";
import { brokenCounters, exactCounters } from "../documents/bookkeeping.ts";
import { filterAtFault } from "../filter.ts";
import { atTime } from "../server/server_time.ts";
import type { StoreServer } from "../server/store_server.ts";
import { claimable, type ClauseName, CLAUSES, isSuspectKind, type Kind, KINDS } from "../queries.ts";
import { SUSPECT_KINDS, type SuspectKind } from "../queries.ts";
import type { FoundDocument } from "./found_document.ts";
import { allOf, type Clause, clausesOf } from "./query_clauses.ts";

/** What the server answers about one document. */
export interface ClaimAnswers {
  /** The kind of documents as which a claim finds it now; undefined if no claim does. */
  readonly kind: Kind | SuspectKind | undefined;
  /** The same if there was no `FILTER`. */
  readonly kindWithoutFilter: Kind | SuspectKind | undefined;
  /** Whether it matches each part of the queries. */
  readonly matches: Readonly<Record<ClauseName, boolean>>;
  /** The clauses of `FILTER`, and whether it matches each of them. */
  readonly filter: readonly Clause[];
  readonly filterMatches: ReadonlyMap<Clause, boolean>;
}

const ALL_KINDS: readonly (Kind | SuspectKind)[] = [...KINDS, ...SUSPECT_KINDS];

/** Asks the server about one document, with the very queries that the claims use and with each of their clauses alone. */
export class ClaimQuestions {
  readonly #options: ClaimQuestionsOptions;

  constructor(options: ClaimQuestionsOptions) {
    this.#options = options;
  }

  /** @throws {FilterError} If the server cannot use `FILTER`; otherwise what the driver throws. */
  async ask(found: FoundDocument): Promise<ClaimAnswers> {
    const { filter, server } = this.#options;
    const names = Object.keys(CLAUSES) as ClauseName[];
    const clauses = filter === undefined ? [] : clausesOf(filter);
    const each = allOf(clauses);
    // Each query has the time at which the server gets it, and a document may become due between two. So the queries of the
    // claims come last: a date that was past before is past for them, too.
    const [matched, filterMatched] = await Promise.all([
      Promise.all(
        names.map((name) => this.#matches(found, atTime<Filter<Document>>(CLAUSES[name], server.time))),
      ),
      Promise.all(each.map(({ query }) => this.#matches(found, query))),
    ]);
    const kindWithoutFilter = filter === undefined ? undefined : await this.#kindOf(found, undefined);
    const kind = await this.#kindOf(found, filter);
    return {
      kind,
      kindWithoutFilter: filter === undefined ? kind : kindWithoutFilter,
      matches: Object.fromEntries(names.map((name, at) => [name, matched[at]])) as Record<
        ClauseName,
        boolean
      >,
      filter: clauses,
      filterMatches: new Map(each.map((clause, at) => [clause, filterMatched[at]!])),
    };
  }

  /** How many documents of its kind a claim takes before it, at most `limit`; undefined if that takes long to count. */
  async countBefore(
    { raw, selector }: FoundDocument,
    kind: Kind,
    limit: number,
  ): Promise<number | undefined> {
    const { collection, filter, maxTimeMS, server } = this.#options;
    const before: Filter<Document> = kind === "new_documents"
      ? { _id: { $lt: raw.id as never } }
      : { "_pull.visible_at": { $lt: (await this.#dueDate(selector)) as never } };
    const query = { $and: [claimable(kind, server.time, filter), before] };
    const options = { limit, maxTimeMS: Math.min(maxTimeMS, COUNT_MS) };
    return await collection.countDocuments(query, options).catch(() => undefined);
  }

  async #dueDate(selector: Filter<Document>): Promise<unknown> {
    const found = await this.#options.collection.findOne(selector, { projection: { "_pull.visible_at": 1 } });
    return found?._pull?.visible_at;
  }

  async #kindOf(
    found: FoundDocument,
    filter: Filter<Document> | undefined,
  ): Promise<Kind | SuspectKind | undefined> {
    const matched = await Promise.all(ALL_KINDS.map((kind) => {
      const query = claimable(kind, this.#options.server.time, filter);
      // A claim of a suspect also asks that its counters are still those that were read.
      const isAsRead = isSuspectKind(kind) && brokenCounters(found.raw.bytes).length === 0;
      return this.#matches(found, isAsRead ? { $and: [query, exactCounters(found.raw.bytes)] } : query);
    }));
    return ALL_KINDS.find((_, at) => matched[at]);
  }

  async #matches({ selector }: FoundDocument, query: Filter<Document>): Promise<boolean> {
    const { collection, filter, maxTimeMS } = this.#options;
    try {
      const found = await collection.find({ $and: [selector, query] }, {
        projection: { _id: 1 },
        // The planner could take another index, and read many documents for one.
        hint: { _id: 1 },
        limit: 1,
        raw: true,
        maxTimeMS,
      }).toArray();
      return found.length > 0;
    } catch (error) {
      throw filterAtFault(error, filter);
    }
  }
}

/** Bound of a count, in milliseconds. */
const COUNT_MS = 2000;

/** What {@linkcode ClaimQuestions} need. */
export interface ClaimQuestionsOptions {
  collection: Collection;
  server: StoreServer;
  filter: Filter<Document> | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}
