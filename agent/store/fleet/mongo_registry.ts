import type { Collection, Document } from "mongodb";
import type { FleetEntry, FleetRegistry, OtherAgents } from "../../fleet/registry.ts";
import { fleetCollection } from "../../settings/rate_settings.ts";
import type { Link } from "../connection/link.ts";
import type { StoreContext } from "../store_context.ts";
import { isForbidden } from "../mongo_errors.ts";
import type { KnownServer } from "../server/known_server.ts";
import type { ServerTime } from "../server/server_time.ts";

/** Marks the entries: the collection may hold other documents, and no query and no index of the registry concerns them. */
const MARK = { registry: "pulling-agent" } as const;
/** Entries are found by the time at which they were seen, give or take so much, in milliseconds: clocks are set. */
const SLACK_MS = 7 * 86_400_000;
/** An agent that has not been seen for this long is no longer counted as silent, and its entry is removed, in seconds. */
const GONE_S = 600;
const ALONE: OtherAgents = { working: 0, before: 0, shares: 0, silent: 0 };

/**
 * The registry of a fleet in a collection of MongoDB, beside that of the documents: an entry for each process.
 *
 * The server's clock alone decides who is alive. A server that does not give its time to queries is compared with what is
 * known of its time: that is never ahead, so that an agent counts as alive for too long rather than too short.
 */
export class MongoFleetRegistry implements FleetRegistry {
  readonly name: string;
  readonly isForbidden = isForbidden;
  readonly #options: MongoFleetRegistryOptions;
  readonly #collection: Collection;
  /** Begins with the time, so that agents that have been there for longer come first. */
  readonly #id: string;
  #hasIndex: boolean;

  constructor(options: MongoFleetRegistryOptions) {
    const { collection: { collectionName, dbName }, link, startedAtMs } = options;
    this.#options = options;
    this.#collection = link.collection(dbName, fleetCollection(collectionName));
    this.#hasIndex = !options.ensureIndexes;
    this.#id = `${new Date(startedAtMs).toISOString()} ${crypto.randomUUID()}`;
    this.name = `${dbName}.${fleetCollection(collectionName)}`;
  }

  async beat({ isWorking, livesMs, share }: FleetEntry): Promise<void> {
    const { name, version } = this.#options;
    await this.#collection.updateOne(this.#own, {
      $set: { name, version, working: isWorking, share, lives_ms: livesMs },
      $currentDate: { seen_at: true },
    }, { upsert: true });
    this.#ensureIndex();
  }

  async look(): Promise<OtherAgents> {
    const { server, serverClock, syncClock } = this.#options;
    await server.ask();
    if (!serverClock.isKnown) await syncClock();
    return await this.#lookAt(server.time);
  }

  async leave(): Promise<void> {
    await this.#collection.deleteOne(this.#own);
  }

  /** Makes the index that removes entries of agents that were killed. Without it they stay, and count for nothing. */
  #ensureIndex(): void {
    if (this.#hasIndex) return;
    this.#hasIndex = true;
    const options = {
      name: "pulling_agent_gone",
      expireAfterSeconds: GONE_S,
      partialFilterExpression: MARK,
    };
    this.#collection.createIndex({ seen_at: 1 }, options).catch(() => {});
  }

  get #own(): Document {
    return { _id: this.#id as unknown, ...MARK };
  }

  async #lookAt(now: ServerTime): Promise<OtherAgents> {
    const { maxTimeMS, serverClock } = this.#options;
    const longAgo = new Date(serverClock.now().getTime() - SLACK_MS);
    const sumIf = (...conditions: unknown[]) => ({ $sum: { $cond: [{ $and: conditions }, 1, 0] } });
    const isAlive = { $gt: [{ $add: ["$seen_at", "$lives_ms"] }, now] };
    const isRecent = { $gt: [{ $add: ["$seen_at", 1000 * GONE_S] }, now] };
    const [seen] = await this.#collection.aggregate([
      { $match: { ...MARK, _id: { $ne: this.#id as unknown }, seen_at: { $gt: longAgo } } },
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
  extends FleetRegistryEntry, Pick<StoreContext, "collection" | "maxTimeMS" | "serverClock"> {
  link: Pick<Link, "collection">;
  server: Pick<KnownServer, "ask" | "time">;
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}

/** What the entry of an agent says of it. */
export interface FleetRegistryEntry {
  /** The name of the agent, for people: two agents may have the same. */
  name: string;
  version: string;
  /** Whether it makes its index. */
  ensureIndexes: boolean;
  /** When this process began, in milliseconds since 1970. */
  startedAtMs: number;
}
