import type { Collection, Document } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { refuseRegistryOfOthers } from "../fleet/registry_of_others.ts";
import { liveInDocumentMode } from "./live_agents.ts";
import { isDuplicateKey, isForbidden } from "../mongo_errors.ts";
import type { StoreServer } from "../server/store_server.ts";
import { shortened } from "../../text/shortened.ts";
import { BEGINNING, changedByUser, changedIn, THE_RANGES } from "./ranges_document.ts";

/** How new documents are claimed. */
export type ClaimMode = "document" | "range";

/** The mode is taken for so long, in milliseconds. */
export const MODE_LEASE_MS = 60_000;
/** If less than this is left, it is renewed before a claim. */
const RENEW_MS = MODE_LEASE_MS / 3;
/**
 * A claim in document mode may be applied so long after its mode has run out, in milliseconds: the time that the server may
 * work on it, and a margin for clocks.
 */
const LATE_MS = 30_000;
/** The mode or the filter can be changed so long after the last agent has ended, in milliseconds. */
export const CHANGE_MS = MODE_LEASE_MS + LATE_MS;
const CHANGE = `stop all of them, wait ${CHANGE_MS / 1000} seconds and for their leases, then start all`;
/** So much of another agent's filter is told, in UTF-16 units. */
const MOST_OF_FILTER = 300;
const NO_RANGES = { $in: [[], null] };

/**
 * The lease of this agent's mode on the claims of new documents: it stands in the document of the ranges, for all agents of
 * a collection. An agent takes it before it claims new documents. The other mode begins when it has run out.
 */
export class ModeLease {
  readonly #options: ModeLeaseOptions;
  #until: Date | undefined;
  #renewAtMs = -Infinity;

  constructor(options: ModeLeaseOptions) {
    this.#options = options;
  }

  /** Takes the lease, or renews it if that is due; returns its end. Throws what the driver throws. @throws {ClaimModeError} If the other mode has it. */
  async take(): Promise<Date> {
    const { clock, serverClock } = this.#options;
    if (this.#until && clock.monotonicMs() < this.#renewAtMs) return this.#until;
    const sentAtMs = clock.monotonicMs();
    const until = serverClock.now(MODE_LEASE_MS);
    if (!await this.#renew(until)) {
      if (await this.#isDocumentModeAlive()) throw this.#refusalOfOtherMode();
      const isTaken = await this.#change(until) || await this.#make(until) ||
        // Another agent of this mode may have made the document at the same time.
        await this.#renew(until);
      if (!isTaken) throw await this.#why();
    }
    this.#renewAtMs = sentAtMs + MODE_LEASE_MS - RENEW_MS;
    return this.#until = until;
  }

  /**
   * Whether agents in range mode are there, for an agent that cannot take its mode; undefined if the user may neither read
   * the document nor write to it. Throws what the driver throws.
   */
  async isBesideRanges(): Promise<boolean | undefined> {
    const { agents, maxTimeMS, serverClock } = this.#options;
    const live = { $gt: serverClock.now() };
    const isLive = [{ mode: "range", mode_until: live }, { ranges: { $elemMatch: { visible_at: live } } }];
    const ofRanges: Document = { ...THE_RANGES, $or: isLive };
    const projection = { _id: 1 };
    return await allowed(async () => await agents.findOne(ofRanges, { projection, maxTimeMS }) !== null) ??
      // A user without the right to read learns from a write that changes nothing whether it matches.
      await allowed(async () => {
        const { matchedCount } = await agents.updateOne(ofRanges, { $max: { mode_until: new Date(0) } });
        return matchedCount > 0;
      });
  }

  /** What was taken may not stand any more: the next claim takes it anew. */
  forget(): void {
    this.#until = undefined;
  }

  /**
   * Why this agent may not claim beside those that have the lease, as the document tells it; undefined if it may. Then the
   * next claim asks for the lease again.
   */
  refusal({ filter, mode }: { filter: string | undefined; mode: unknown }): ClaimModeError | undefined {
    const own = this.#options;
    if (mode === own.mode && (mode === "document" || filter === own.filter)) return undefined;
    this.forget();
    if (mode !== own.mode) return this.#refusalOfOtherMode();
    return new ClaimModeError(
      `With CLAIM_MODE=range all agents of a collection have the same FILTER, and the others have ${
        filter === undefined ? "none" : shortened(filter, MOST_OF_FILTER)
      }: set the same, or ${CHANGE} with the new one`,
      { isOfOthers: true },
    );
  }

  #refusalOfOtherMode(): ClaimModeError {
    const { mode } = this.#options;
    const other = mode === "range" ? "document" : "range";
    return new ClaimModeError(
      `CLAIM_MODE is ${mode}, and agents with CLAIM_MODE=${other} work on the collection: to change the mode, ` +
        `${CHANGE} in the new mode`,
      { isOfOthers: true },
    );
  }

  /**
   * Whether an agent shows itself that claims by document. One that finds nothing to claim does not renew its mode, and an
   * agent of an earlier version has none.
   */
  async #isDocumentModeAlive(): Promise<boolean> {
    const { agents, maxTimeMS, mode, server: { time } } = this.#options;
    if (mode === "document") return false;
    return await agents.findOne(liveInDocumentMode(time), { projection: { _id: 1 }, maxTimeMS }) !== null;
  }

  async #why(): Promise<ClaimModeError> {
    const { agents, maxTimeMS, mode, serverClock } = this.#options;
    const projection = { _id: 0, filter: 1, mode: 1, mode_until: 1, ranges: 1, version: 1 };
    const found = await agents.findOne(THE_RANGES, { projection, maxTimeMS });
    const changed = found && changedIn(found);
    if (changed) return changedByUser(changed);
    if (mode === "document" && found?.mode === "range" && found.mode_until <= serverClock.now()) {
      return new ClaimModeError(
        "CLAIM_MODE is document, and agents with CLAIM_MODE=range that have ended hold documents: they are claimed when " +
          "their leases have run out",
      );
    }
    const filter = typeof found?.filter === "string" ? found.filter : undefined;
    return this.refusal({ filter, mode: found?.mode }) ??
      new ClaimModeError(
        `The agents change the mode in which they claim: CLAIM_MODE=${mode} begins when that is done`,
      );
  }

  async #renew(until: Date): Promise<boolean> {
    return await this.#update({ ...this.#same, ...this.#free }, { $max: { mode_until: until } });
  }

  /** The write that changes the mode or the filter changes the version: a swap that was prepared before it misses. */
  async #change(until: Date): Promise<boolean> {
    const { filter = null, mode, serverClock } = this.#options;
    const over = serverClock.now(mode === "range" ? -LATE_MS : 0);
    // What lies behind the position was seen through the old filter.
    const ranges = mode === "range" ? { filter, position: BEGINNING } : {};
    return await this.#update(
      { $nor: [this.#same], mode_until: { $not: { $gt: over } }, ranges: NO_RANGES },
      { $set: { mode, mode_until: until, version: crypto.randomUUID(), ...ranges } },
    );
  }

  async #make(until: Date): Promise<boolean> {
    const { agents, filter, maxTimeMS, mode } = this.#options;
    // A mode that is there counts, also beside documents of others.
    if (await agents.findOne(THE_RANGES, { projection: { _id: 1 }, maxTimeMS }) !== null) return false;
    await refuseRegistryOfOthers({
      collection: agents,
      maxTimeMS,
      name: `${agents.dbName}.${agents.collectionName}`,
    });
    const made = {
      version: crypto.randomUUID(),
      position: BEGINNING,
      ranges: [],
      filter: filter ?? null,
      mode,
      mode_until: until,
    };
    try {
      const { upsertedCount } = await agents.updateOne(
        THE_RANGES,
        { $setOnInsert: made },
        { upsert: true },
      );
      return upsertedCount > 0;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  async #update(condition: Document, update: Document): Promise<boolean> {
    const { agents } = this.#options;
    const { matchedCount } = await agents.updateOne(
      { ...THE_RANGES, ...condition },
      update,
    );
    return matchedCount > 0;
  }

  /** The document as agents like this one leave it. */
  get #same(): Document {
    const { filter = null, mode } = this.#options;
    const same = { mode, version: { $type: "string" } };
    return mode === "range" ? { ...same, filter } : same;
  }

  /** In document mode no range may be there: the documents in it are held, or need their bookkeeping. */
  get #free(): Document {
    return this.#options.mode === "document" ? { ranges: NO_RANGES } : {};
  }
}

/** What was asked; undefined if the user may not ask it. */
async function allowed<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** What a {@linkcode ModeLease} needs. */
export interface ModeLeaseOptions {
  /** The collection of the agents. */
  agents: Collection;
  clock: Clock;
  /** What `FILTER` says, in one form. */
  filter: string | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  mode: ClaimMode;
  server: Pick<StoreServer, "time">;
  serverClock: ServerClock;
}
