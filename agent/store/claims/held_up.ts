import type { CollationOptions, Collection, Document, Filter } from "mongodb";
import { errorText } from "../../errors.ts";
import type { HeldUp } from "../../ports.ts";
import type { BusyKeys } from "./busy_keys.ts";
import { collationOf, conditionOf, keyFieldsOf, type KeyWait, valuesAt } from "./key_waits.ts";
import { formatId } from "../documents/format_id.ts";
import { idKey } from "../documents/id_key.ts";
import { heldLease } from "../queries.ts";
import type { StoreServer } from "../server/store_server.ts";
import { RawDocument } from "../documents/raw_document.ts";

/** Documents that cannot be claimed and that no agent will settle, and why. */
export interface StuckDocuments {
  readonly query: Filter<Document>;
  readonly reason: string;
}

/** How to find the document that has the key of a wait. */
interface Holders {
  query: Filter<Document>;
  collation: CollationOptions | undefined;
}

/**
 * After this many leases of waiting for one key, the watch looks who has it. The same is the time between two looks.
 */
const PATIENCE_LEASES = 2;
/** Keys whose holders are looked for at once, at most: the others have their turn after the next claim. */
const MAX_CHECKED = 16;
/** Bound of a query for a holder, in milliseconds: claims wait for it. */
const MAX_TIME_MS = 2000;
/** Holders that are reported one by one, at most; all others are reported together. */
const MAX_NAMED = 10;

/**
 * Documents may wait for others in processing. This tells those waits that will end from those that would last forever,
 * because no agent holds the other document. Each key has a wait of its own: a claim of other documents tells nothing
 * about it.
 */
export class HeldUpWatch {
  readonly #options: HeldUpOptions;

  constructor(options: HeldUpOptions) {
    this.#options = options;
  }

  /**
   * After each claim: what the claim left out because it has to wait; undefined if it left nothing out, or if no wait
   * helps.
   */
  async afterClaim(claimed: number): Promise<HeldUp | undefined> {
    const { busy } = this.#options;
    // The claimed documents must not wait for a look at the others.
    if (claimed === 0) await this.look();
    // The documents that this claim left out may be free by now: only one more look can tell that there is nothing.
    const isLeftOut = busy.takeLeftOut() && claimed === 0;
    const retryInMs = busy.retryInMs ?? (isLeftOut ? 0 : undefined);
    return retryInMs === undefined ? undefined : { retryInMs, error: busy.error };
  }

  /**
   * Looks who has the keys that documents have waited for so long. It costs no round trip if there are none. Returns
   * whether it found a document that has the key and that no agent holds. Never throws.
   */
  async look(): Promise<boolean> {
    const { busy, leaseMs } = this.#options;
    const due = busy.waits.due(PATIENCE_LEASES * leaseMs, MAX_CHECKED);
    const found = await Promise.all(due.map(([name, wait]) => this.#check(name, wait)));
    return found.includes(true);
  }

  /** The documents that wait forever, and why, by the document that they wait for. */
  get stuck(): StuckDocuments[] {
    const byHolder = Map.groupBy(this.#options.busy.waits.stuck, ({ holder }) => idKey(holder!.id));
    const groups = [...byHolder.values()];
    const named = groups.slice(0, MAX_NAMED).map((waits) => stuckBehind(waits, 1));
    const others = groups.slice(MAX_NAMED);
    return others.length === 0 ? named : [...named, stuckBehind(others.flat(), others.length)];
  }

  async #check(name: string, wait: KeyWait): Promise<boolean> {
    const { busy: { waits } } = this.#options;
    const wasMet = wait.metAtMs >= wait.checkedAtMs;
    waits.checked(wait);
    try {
      // Other agents or users have claimed, deleted or changed the document that waited.
      if (!wasMet && !await this.#first(wait.condition, "pending")) {
        waits.over(name);
        return false;
      }
      const holders = await this.#holdersOf(wait);
      if (await this.#first(holders.query, "held", holders.collation)) {
        waits.held(wait);
        return false;
      }
      const holder = await this.#first(holders.query, "processing", holders.collation);
      if (holder) return waits.stuckBehind(wait, holder.id);
      // It was settled a moment ago, or no query for equal values finds the key.
      if (!waits.missed(wait) || await this.#first({}, "held")) return false;
      return waits.stuckBehind(wait, undefined);
    } catch {
      // The next look tries again: a failed look must not lose the documents of a claim.
      return false;
    }
  }

  /** Documents with the key of a wait: with the same values, or with values that the collation takes for the same. */
  async #holdersOf({ condition, error }: KeyWait): Promise<Holders> {
    const collation = collationOf(error);
    const fields = keyFieldsOf(error);
    const { keyValue } = error as { keyValue?: Document };
    if (!fields || !keyValue) return { query: {}, collation };
    const values = collation
      ? valuesAt((await this.#first(condition, "pending", undefined, fields))?.peek(), fields)
      : fields.map((field) => keyValue[field] ?? null);
    return { query: conditionOf(fields, values), collation };
  }

  /** The first document that `query` finds and that is `pending`, in `processing`, or `held` by an agent. */
  async #first(
    query: Filter<Document>,
    state: "pending" | "processing" | "held",
    collation?: CollationOptions,
    fields: readonly string[] = [],
  ): Promise<RawDocument | undefined> {
    const { collection, leaseMs, maxTimeMS, server } = this.#options;
    const of = state === "held" ? heldLease(PATIENCE_LEASES * leaseMs, server.time) : { status: state };
    const [bytes] = await collection.find<Uint8Array>({ $and: [query, of] }, {
      projection: Object.fromEntries(["_id", ...fields].map((field) => [field, 1])),
      limit: 1,
      singleBatch: true,
      raw: true,
      maxTimeMS: Math.min(maxTimeMS, MAX_TIME_MS),
      ...(collation && { collation }),
    }).toArray();
    return bytes && new RawDocument(bytes);
  }
}

/** What a {@linkcode HeldUpWatch} needs. */
export interface HeldUpOptions {
  collection: Collection;
  busy: BusyKeys;
  leaseMs: number;
  server: StoreServer;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}

function stuckBehind(waits: readonly KeyWait[], holders: number): StuckDocuments {
  const { error, holder } = waits[0]!;
  const id = holder!.id === undefined ? "" : ` (_id: ${formatId(holder!.id)})`;
  const whom = holders === 1
    ? `They wait for a document in processing that no agent holds${id}`
    : `They wait for ${holders} documents in processing that no agent holds (the first has _id: ${
      formatId(holder!.id)
    })`;
  return {
    query: { status: "pending", $or: waits.map(({ condition }) => condition) },
    reason: `${whom}, as a unique index allows one of its key: set the status of that document: ${
      errorText(error)
    }`,
  };
}
