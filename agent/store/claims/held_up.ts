import type { CollationOptions, Collection, Document, Filter } from "mongodb";
import { errorText } from "../../errors.ts";
import type { HeldUp } from "../../ports.ts";
import type { BusyKeys } from "./busy_keys.ts";
import { collationOf, conditionOf, keyFieldsOf, type KeyWait, valuesAt } from "./key_waits.ts";
import { formatId } from "../documents/format_id.ts";
import { idKey } from "../documents/id_key.ts";
import { heldLease } from "../queries.ts";
import { RawDocument } from "../documents/raw_document.ts";

/** What a {@linkcode HeldUpWatch} needs. */
export interface HeldUpOptions {
  collection: Collection;
  busy: BusyKeys;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}

/** Documents that no agent will let be claimed, and why. */
export interface StuckDocuments {
  readonly query: Filter<Document>;
  readonly reason: string;
}

/** What has the key of a wait. */
interface Holders {
  query: Filter<Document>;
  collation: CollationOptions | undefined;
}

/** Leases that documents wait for one key, until the watch looks who has the key; and leases between two looks. */
const PATIENCE_LEASES = 2;
/** Keys whose holders are looked for at once, at most: the others come after the next claim. */
const MAX_CHECKED = 16;
/** Bound of a query for a holder, in milliseconds: claims wait for it. */
const MAX_TIME_MS = 2000;
/** Holders that are reported each by itself, at most; all others are reported in one. */
const MAX_NAMED = 10;

/**
 * Tells documents that wait for others in processing from those that would wait for ever, as no agent holds the others.
 * Each key has a wait of its own: that other documents are claimed says nothing of it.
 */
export class HeldUpWatch {
  readonly #options: HeldUpOptions;

  constructor(options: HeldUpOptions) {
    this.#options = options;
  }

  /** After each claim: what it left because it has to wait; undefined if nothing, or if no wait helps. */
  async afterClaim(claimed: number): Promise<HeldUp | undefined> {
    const { busy } = this.#options;
    // What was claimed must not wait for a look at what was not.
    if (claimed === 0) await this.look();
    // What this claim left out may be free by now: one more look has to say that there is nothing.
    const isLeftOut = busy.takeLeftOut() && claimed === 0;
    const retryInMs = busy.retryInMs ?? (isLeftOut ? 0 : undefined);
    return retryInMs === undefined ? undefined : { retryInMs, error: busy.error };
  }

  /**
   * Looks who has the keys that documents have waited for so long; no round trip if there are none. Returns whether it
   * found a holder that no agent holds. Never throws.
   */
  async look(): Promise<boolean> {
    const { busy, leaseMs } = this.#options;
    const due = busy.waits.due(PATIENCE_LEASES * leaseMs, MAX_CHECKED);
    const found = await Promise.all(due.map(([name, wait]) => this.#check(name, wait)));
    return found.includes(true);
  }

  /** What waits for ever, and why, by the document that it waits for. */
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
      // Others have claimed, deleted or changed what waited.
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
      // It was settled a moment ago; or the key is one that no query of equal values finds.
      if (!waits.missed(wait) || await this.#first({}, "held")) return false;
      return waits.stuckBehind(wait, undefined);
    } catch {
      // The next look is another try: what a claim took must not be lost for want of this one.
      return false;
    }
  }

  /** Documents with the key of a wait: of the same values, or of those that the collation takes for the same. */
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
    const { collection, leaseMs, maxTimeMS } = this.#options;
    const of = state === "held" ? heldLease(PATIENCE_LEASES * leaseMs) : { status: state };
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
