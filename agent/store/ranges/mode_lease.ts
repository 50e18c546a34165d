import type { Collection, Document } from "mongodb";
import type { ClaimModeError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { refuseRegistryOfOthers } from "../fleet/registry_of_others.ts";
import type { ClaimMode } from "./claim_mode.ts";
import { liveInDocumentMode, mayHoldDocuments } from "./live_agents.ts";
import { isDuplicateKey, isForbidden } from "../mongo_errors.ts";
import type { StoreServer } from "../server/store_server.ts";
import { NOW } from "../server/server_time.ts";
import { ModeRefusals, type ToldMode } from "./mode_refusals.ts";
import { LATE_MS, MODE_LEASE_MS } from "./mode_times.ts";
import { BEGINNING, NO_MODE, THE_RANGES } from "./ranges_document.ts";

/** If less than this is left, it is renewed before a claim. */
const RENEW_MS = MODE_LEASE_MS / 3;
const NO_RANGES = { $in: [[], null] };

/**
 * The lease of this agent's mode on the claims of new documents: it stands in the document of the ranges, for all agents of
 * a collection. An agent takes it before it claims new documents. The other mode begins when it has run out.
 */
export class ModeLease {
  readonly #options: ModeLeaseOptions;
  readonly #refusals: ModeRefusals;
  #until: Date | undefined;
  /** The end of the last one, also if that was forgotten. */
  #lastUntil: Date | undefined;
  #renewAtMs = -Infinity;

  constructor(options: ModeLeaseOptions) {
    this.#options = options;
    const { filter, mode } = options;
    this.#refusals = new ModeRefusals({ filter, mode, waitMs: this.#waitMs });
  }

  /** Takes the lease, or renews it if that is due; returns its end. Throws what the driver throws. @throws {ClaimModeError} If the other mode has it. */
  async take(): Promise<Date> {
    const { clock, serverClock } = this.#options;
    if (this.#until && clock.monotonicMs() < this.#renewAtMs) return this.#until;
    const sentAtMs = clock.monotonicMs();
    const until = serverClock.now(MODE_LEASE_MS);
    if (!await this.#renew(until)) {
      const isOtherAlive = await this.#isDocumentModeAlive();
      const isTaken = !isOtherAlive &&
        // Another agent of this mode may have made the document at the same time.
        (await this.#change(until) || await this.#make(until) || await this.#renew(until));
      if (!isTaken) throw await this.#why(isOtherAlive);
    }
    this.#renewAtMs = sentAtMs + MODE_LEASE_MS - RENEW_MS;
    return this.#lastUntil = this.#until = until;
  }

  /**
   * Why an agent that cannot take its mode may not claim new documents: agents in range mode are there, or may hold documents
   * that are not known any more. "none" if it may, and undefined if the user may neither read the document nor write to it.
   * Throws what the driver throws.
   */
  async besideRanges(): Promise<ClaimModeError | "none" | undefined> {
    const { agents, maxTimeMS, serverClock } = this.#options;
    const live = { $gt: serverClock.now() };
    const ofRanges = {
      $or: [{ mode: "range", mode_until: live }, { ranges: { $elemMatch: { visible_at: live } } }],
    };
    const ofRemoved = { mode: NO_MODE, mode_until: live };
    const projection = { _id: 1 };
    const isFound = async (condition: Document) =>
      await agents.findOne({ ...THE_RANGES, ...condition }, { projection, maxTimeMS }) !== null;
    // A user without the right to read learns from a write that changes nothing whether it matches.
    const isMatched = (condition: Document) => this.#update(condition, { $max: { mode_until: new Date(0) } });
    const told = async (is: (condition: Document) => Promise<boolean>) =>
      await is(ofRanges) ? "range" : await is(ofRemoved) ? "removed" : "none";
    const found = await allowed(() => told(isFound)) ?? await allowed(() => told(isMatched));
    if (found === undefined || found === "none") return found;
    return this.refusal({ filter: undefined, mode: found === "range" ? found : NO_MODE });
  }

  /** What was taken may not stand any more: the next claim takes it anew. */
  forget(): void {
    this.#until = undefined;
  }

  /**
   * Why this agent may not claim beside those that have the lease, as the document tells it; undefined if it may. Then the
   * next claim asks for the lease again.
   */
  refusal(told: ToldMode): ClaimModeError | undefined {
    const refusal = this.#refusals.beside(told);
    if (refusal) this.forget();
    return refusal;
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

  async #why(isOtherAlive: boolean): Promise<ClaimModeError> {
    const { agents, maxTimeMS, server: { time }, serverClock } = this.#options;
    const projection = { _id: 0, filter: 1, mode: 1, mode_until: 1, ranges: 1, version: 1 };
    const found = await agents.findOne(THE_RANGES, {
      // The agent's idea of the server's time may be old if its machine was suspended.
      projection: { ...projection, ...(time === NOW && { now: NOW }) },
      maxTimeMS,
    });
    this.forget();
    return this.#refusals.notTaken(found, { isOtherAlive, now: found?.now ?? serverClock.now() });
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
    const { agents, filter, maxTimeMS, mode, serverClock, syncClock } = this.#options;
    // A mode that is there counts, also beside documents of others.
    if (await agents.findOne(THE_RANGES, { projection: { _id: 1 }, maxTimeMS }) !== null) return false;
    await refuseRegistryOfOthers({
      collection: agents,
      maxTimeMS,
      name: agents.namespace,
    });
    // Its time decides how long to wait, and whether this agent's own lease is over.
    await syncClock();
    const hasToWait = await this.#wasRemoved();
    const made = {
      version: crypto.randomUUID(),
      position: BEGINNING,
      ranges: [],
      filter: filter ?? null,
      mode: hasToWait ? NO_MODE : mode,
      mode_until: hasToWait ? serverClock.now(this.#waitMs) : until,
    };
    try {
      const { upsertedCount } = await agents.updateOne(
        THE_RANGES,
        { $setOnInsert: made },
        { upsert: true },
      );
      return upsertedCount > 0 && !hasToWait;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Whether agents may hold documents by a document of the ranges that is not there any more, and do not know that. */
  async #wasRemoved(): Promise<boolean> {
    const { agents, maxTimeMS, mode, server: { time }, serverClock } = this.#options;
    if (this.#lastUntil) {
      if (mode === "range") return true;
      // No agent can have taken range mode before that is over.
      if (serverClock.now() < this.#lastUntil) return false;
    }
    // This agent's own entry is among them: agents may have the same name. If it counts, it costs one wait.
    const others = mayHoldDocuments(time, this.#waitMs);
    // Agents in document mode do not get in each other's way.
    const inTheWay = mode === "document" ? { ...others, mode: "range" } : others;
    return await agents.findOne(inTheWay, { projection: { _id: 1 }, maxTimeMS }) !== null;
  }

  /** All leases of modes and ranges last for so long at most, in milliseconds. */
  get #waitMs(): number {
    return Math.max(MODE_LEASE_MS, this.#options.leaseMs);
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
  /** How long a range is held, in milliseconds; that of other agents is taken to be the same. */
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  mode: ClaimMode;
  server: Pick<StoreServer, "time">;
  serverClock: Pick<ServerClock, "now">;
  /** Asks for the server's time. */
  syncClock(): Promise<void>;
}
