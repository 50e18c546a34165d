import type { Collection, Document } from "mongodb";
import type { BacklogOfFleet, BacklogTurn } from "../../fleet/backlog_turn.ts";
import type { FleetControl, FleetHistory } from "../../fleet/fleet_view.ts";
import type {
  AgentReport,
  FleetEntry,
  FleetMembership,
  FleetRegistry,
  OtherAgents,
} from "../../fleet/registry.ts";
import type { UnusableControl } from "../../fleet/unusable_control.ts";
import { fleetCollection } from "../../settings/fleet_settings.ts";
import { doneBy } from "../../lib/deadline.ts";
import type { Link } from "../connection/link.ts";
import type { StoreContext } from "../store_context.ts";
import { isForbidden, passesByItself } from "../mongo_errors.ts";
import type { ClaimMode } from "../ranges/claim_mode.ts";
import type { KnownServer } from "../server/known_server.ts";
import type { ServerTime } from "../server/server_time.ts";
import { CONTROL_ID, controlIn, MARK } from "./control_document.ts";
import { FleetBacklog, type FleetBacklogOptions } from "./fleet_backlog.ts";
import { GONE_MS, SLACK_MS } from "./entry.ts";
import { OwnTime } from "./own_time.ts";
import { refuseRegistryOfOthers } from "./registry_of_others.ts";

/** An agent that reports counts as alive for this long without another report, in milliseconds: three beats. */
const LIVES_MS = 30_000;
/** A report that is lost comes again, and an entry that is not removed ages: they wait for no other member and no disk. */
const LIGHT = { writeConcern: { w: 1, journal: false } } as const;
/**
 * A report waits this long for the index, in milliseconds. While a member of the replica set is down, the server may not
 * finish it, and beats go on meanwhile.
 */
const INDEX_MS = 1000;
const ALONE: OtherAgents = { working: 0, before: 0, shares: 0, silent: 0 };

/**
 * The registry of a fleet in a collection of MongoDB, beside that of the documents: an entry for each process.
 *
 * The server's clock alone decides who is alive. A server that does not give its time to queries is compared with what is
 * known of its time: that is never ahead, so that an agent counts as alive for too long rather than too short.
 */
export class MongoFleetRegistry implements FleetRegistry, FleetMembership, BacklogOfFleet {
  readonly name: string;
  readonly isForbidden = isForbidden;
  readonly #options: MongoFleetRegistryOptions;
  readonly #collection: Collection;
  /** Begins with the time, so that agents that have been there for longer come first. */
  readonly #id: string;
  #hasIndex: boolean;
  /** Whether the entry has a share, whose beats then decide for how long the agent counts as alive. */
  #hasShare = false;
  /** Whether the collection is known to be the agents' own. */
  #isOwn = false;
  readonly #backlog: FleetBacklog;
  /** Whether the entry was written. */
  #isShown = false;
  readonly #startedAt: OwnTime;
  readonly #controlSince: OwnTime;
  readonly #failedAt: OwnTime;

  constructor(options: MongoFleetRegistryOptions) {
    const { collection: { collectionName, dbName }, instance, link, startedAtMs } = options;
    this.#options = options;
    this.#collection = link.collection(dbName, fleetCollection(collectionName));
    this.#hasIndex = !options.ensureIndexes;
    this.#id = `${new Date(startedAtMs).toISOString()} ${instance}`;
    this.#startedAt = new OwnTime(options);
    this.#controlSince = new OwnTime(options);
    this.#failedAt = new OwnTime(options);
    // From now on it does not depend on the clock of the day.
    this.#startedAt.at(new Date(startedAtMs));
    this.#backlog = new FleetBacklog({ ...options, collection: this.#collection });
    this.name = `${dbName}.${fleetCollection(collectionName)}`;
  }

  async beat({ isWorking, livesMs, share }: FleetEntry): Promise<void> {
    const { mode, name, version } = this.#options;
    this.#hasShare = true;
    await this.#collection.updateOne(this.#own, {
      $set: { name, version, mode, working: isWorking, share, lives_ms: livesMs },
      $currentDate: { seen_at: true },
    }, { upsert: true });
    this.#ensureIndex();
  }

  async report(report: AgentReport): Promise<boolean> {
    const { clock, commit, mode, name, source, startedAtMs, version } = this.#options;
    const started_at = this.#startedAt.at(new Date(startedAtMs));
    const fields = { name, version, commit, mode, started_at, ...this.#fieldsOf(report) };
    // The claim to a share of an agent that is gone lasts as long as its own beats say.
    const lives = { lives_ms: LIVES_MS };
    const [set, unset] = withoutMissing(this.#hasShare ? fields : { ...fields, ...lives });
    const upsert = source.isUsable;
    if (upsert && !this.#hasShare) await this.#refuseOthers();
    const { matchedCount, upsertedCount } = await this.#collection.updateOne(this.#own, {
      $set: set,
      ...(Object.keys(unset).length > 0 && { $unset: unset }),
      ...(this.#hasShare && { $setOnInsert: lives }),
      $currentDate: { seen_at: true },
    }, { upsert, ...LIGHT });
    // Not beside the next operation: that would take another connection.
    if (upsert) await doneBy(this.#ensureIndex(), { clock, limitMs: INDEX_MS });
    const isShown = matchedCount + upsertedCount > 0;
    if (isShown && upsert) this.#isShown = true;
    return isShown;
  }

  async turn(): Promise<BacklogTurn | undefined> {
    return this.#isShown ? await this.#backlog.turn() : undefined;
  }

  async control(): Promise<FleetControl | UnusableControl | undefined> {
    const { maxTimeMS } = this.#options;
    const document = await this.#collection.findOne({ _id: CONTROL_ID as never, ...MARK }, { maxTimeMS });
    return document ? controlIn(document) : undefined;
  }

  isTransient(error: unknown): boolean {
    return passesByItself(error);
  }

  async look(): Promise<OtherAgents> {
    const { server, serverClock, syncClock } = this.#options;
    await server.ask();
    if (!serverClock.isKnown) await syncClock();
    return await this.#lookAt(server.time);
  }

  async leave(): Promise<void> {
    await this.#collection.deleteOne(this.#own, LIGHT);
  }

  /** A default writes into no collection of the user's; a share of a limit was asked for by a setting. */
  async #refuseOthers(): Promise<void> {
    if (this.#isOwn) return;
    const { maxTimeMS } = this.#options;
    await refuseRegistryOfOthers({ collection: this.#collection, maxTimeMS, name: this.name });
    this.#isOwn = true;
  }

  /** Makes the index that removes entries of agents that were killed. Without it they stay, and count for nothing. */
  async #ensureIndex(): Promise<void> {
    if (this.#hasIndex) return;
    this.#hasIndex = true;
    const options = {
      name: "pulling_agent_gone",
      expireAfterSeconds: GONE_MS / 1000,
      partialFilterExpression: MARK,
    };
    await this.#collection.createIndex({ seen_at: 1 }, options).catch(() => {});
  }

  /** The fields of a report, as they are stored. */
  #fieldsOf(report: AgentReport): Document {
    const {
      control,
      controlId,
      counters,
      held,
      history,
      isReady,
      lastError,
      running,
      state,
      trouble,
    } = report;
    return {
      state,
      ready: isReady,
      trouble,
      control:
        withoutMissing({ ...control, since: control.since && this.#controlSince.at(control.since) })[0],
      control_id: controlId,
      held,
      running,
      counters,
      history: history && historyFields(history),
      last_error: lastError && { ...lastError, at: this.#failedAt.at(lastError.at) },
    };
  }

  get #own(): Document {
    return { _id: this.#id as unknown, ...MARK };
  }

  async #lookAt(now: ServerTime): Promise<OtherAgents> {
    const { maxTimeMS, serverClock } = this.#options;
    const longAgo = new Date(serverClock.now().getTime() - SLACK_MS);
    const sumIf = (...conditions: unknown[]) => ({ $sum: { $cond: [{ $and: conditions }, 1, 0] } });
    const isAlive = { $gt: [{ $add: ["$seen_at", "$lives_ms"] }, now] };
    const isRecent = { $gt: [{ $add: ["$seen_at", GONE_MS] }, now] };
    const [seen] = await this.#collection.aggregate([
      {
        $match: {
          ...MARK,
          _id: { $ne: this.#id as unknown },
          seen_at: { $gt: longAgo },
          // Others have a limit of their own, or none.
          share: { $exists: true },
        },
      },
      {
        $group: {
          _id: null,
          working: sumIf(isAlive, "$working"),
          before: sumIf(isAlive, "$working", { $lt: ["$_id", this.#id] }),
          shares: { $sum: { $cond: [isAlive, "$share", 0] } },
          silent: sumIf(isRecent, { $not: [isAlive] }),
        },
      },
    ], { maxTimeMS }).toArray();
    if (seen === undefined) return ALONE;
    const { before, shares, silent, working } = seen;
    return { before, shares, silent, working };
  }
}

/** What a {@linkcode MongoFleetRegistry} needs. */
export interface MongoFleetRegistryOptions
  extends
    FleetRegistryEntry,
    Pick<FleetBacklogOptions, "filter" | "letters">,
    Pick<StoreContext, "clock" | "collection" | "maxTimeMS" | "serverClock"> {
  link: Pick<Link, "collection">;
  server: Pick<KnownServer, "ask" | "time">;
  /** The collection of the documents. */
  source: { readonly isUsable: boolean };
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}

/** What the entry of an agent says of it. */
export interface FleetRegistryEntry {
  /** The name of the agent, for people: two agents may have the same. */
  name: string;
  version: string;
  commit: string;
  /** A UUID of the process: its connections have it in their metadata. */
  instance: string;
  /** How it claims new documents: agents in range mode know each other by it. */
  mode: ClaimMode;
  /** Whether it makes its index. */
  ensureIndexes: boolean;
  /** When this process began by the clock of its machine, in milliseconds since 1970. */
  startedAtMs: number;
  /** The clock of the machine. */
  timeOfDayMs?: () => number;
}

function historyFields({ deadLettered, pickUpMs, processed, retried, until }: FleetHistory): Document {
  return { until, processed, retried, dead_lettered: deadLettered, pick_up_ms: pickUpMs };
}

/** Those fields that have a value, and the names of the others, which an earlier report may have set. */
function withoutMissing(fields: Document): [set: Document, unset: Document] {
  const set: Document = {};
  const unset: Document = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) unset[name] = "";
    else set[name] = value;
  }
  return [set, unset];
}
