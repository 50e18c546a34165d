import type { Collection, Document, Filter } from "mongodb";
import type { HeldUp } from "../../ports.ts";
import type { BusyKeys } from "./busy_keys.ts";
import { LIVE_LEASE } from "../queries.ts";

/** What a {@linkcode HeldUpWatch} needs. */
export interface HeldUpOptions {
  collection: Collection;
  busy: BusyKeys;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}

/** Leases that documents are held up without any of them being claimed: then it is looked whom they wait for. */
const PATIENCE_LEASES = 2;

/** Tells documents that wait for others in processing from those that would wait forever, as no agent holds the others. */
export class HeldUpWatch {
  readonly #options: HeldUpOptions;
  #sinceMs: number | undefined;
  #isStuck = false;

  constructor(options: HeldUpOptions) {
    this.#options = options;
  }

  /** After each claim: what it left because it has to wait; undefined if nothing, or if no wait helps. */
  async afterClaim(claimed: number): Promise<HeldUp | undefined> {
    const { busy, leaseMs } = this.#options;
    const { error } = busy;
    // What this claim left out may be free by now: one more look has to say that there is nothing.
    const isLeftOut = busy.takeLeftOut() && claimed === 0;
    const retryInMs = busy.retryInMs ?? (isLeftOut ? 0 : undefined);
    if (claimed > 0 || retryInMs === undefined) {
      this.#sinceMs = undefined;
      if (claimed > 0) this.#isStuck = false;
      return retryInMs === undefined ? undefined : { retryInMs, error };
    }
    this.#sinceMs ??= performance.now();
    if (!this.#isStuck && performance.now() - this.#sinceMs >= PATIENCE_LEASES * leaseMs) {
      this.#isStuck = !await this.#isAnyHeld();
      this.#sinceMs = performance.now();
    }
    return this.#isStuck ? undefined : { retryInMs, error };
  }

  /** What waits forever, and why. */
  get stuck(): { query: Filter<Document>; reason: unknown } | undefined {
    const { allConditions, error } = this.#options.busy;
    if (!this.#isStuck || allConditions.length === 0) return undefined;
    return { query: { status: "pending", $or: allConditions }, reason: error };
  }

  async #isAnyHeld(): Promise<boolean> {
    const { collection, maxTimeMS } = this.#options;
    return await collection.findOne(LIVE_LEASE, { projection: { _id: 1 }, maxTimeMS }) !== null;
  }
}
