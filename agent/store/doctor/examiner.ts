import type { Collection, Document, Filter } from "mongodb";
import { errorText, SourceError } from "../../errors.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { doneBy } from "../../lib/deadline.ts";
import { Link } from "../connection/link.ts";
import { serverCertificate } from "../connection/server_certificate.ts";
import { ServerClock } from "../connection/server_clock.ts";
import { fleetCollection } from "../../settings/fleet_settings.ts";
import { isNoCollection } from "../mongo_errors.ts";
import type { StoreSettings } from "../store_settings.ts";
import { KnownServer } from "../server/known_server.ts";
import { describe, Source, type SourceNames, sourceNames } from "../source.ts";
import type { DatabaseFacts, ServerFacts, SourceProblem } from "./database_facts.ts";
import { fleetFacts } from "./fleet_facts.ts";
import { Heartbeats } from "./heartbeats.ts";
import { claimPlans } from "./plans.ts";
import { refusedWrites, sampledSizes } from "./sampled.ts";
import { shardKeys } from "./shard_keys.ts";
import { areStreamsOff } from "./streams_off.ts";
import { seen, Unseen } from "./unseen.ts";
import { ttlOfWaiting } from "./ttl_of_waiting.ts";
import { userRights } from "./user_rights.ts";

/** A server stops working on a question after this long, in milliseconds. */
const MAX_TIME_MS = 3000;
/** The doctor waits this long for the heartbeats of the other members, in milliseconds. */
const HEARTBEATS_MS = 1000;

/**
 * Looks at a database as the agent would find it: with the same settings, and the same connection. It asks and reads,
 * and writes nothing.
 */
export class Examiner {
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
  readonly #link: Link;
  readonly #heartbeats: Heartbeats;
  readonly #names: SourceNames;
  readonly #filter: Filter<Document> | undefined;
  readonly #clock: Clock;
  readonly #server: KnownServer;

  /**
   * @param filter the query in `FILTER`
   * @throws {MongoParseError} If the URI is not valid.
   */
  constructor(
    settings: StoreSettings,
    filter?: Filter<Document>,
    { clock = systemClock, now = () => new Date() }: ExaminerOptions = {},
  ) {
    const { agentName, leaseMs } = settings;
    const uriSetting = settings.mongodbUriFile === undefined ? "MONGODB_URI" : "MONGODB_URI_FILE";
    const serverClock = new ServerClock(clock);
    this.#link = new Link(settings.mongodbUri, { agentName, leaseMs, serverClock, uriSetting }, clock);
    this.#heartbeats = new Heartbeats(this.#link.client, now);
    this.#clock = clock;
    this.#filter = filter;
    this.#names = sourceNames(settings);
    this.#server = new KnownServer({ link: this.#link, serverClock, names: this.#names });
    this.warnings = this.#link.warnings;
  }

  /** The servers, as the connection string names them. */
  get hosts(): readonly string[] {
    return this.#link.hosts;
  }

  /** The replica set that servers have said to be members of; empty for none, undefined if none has answered. */
  get seenSet(): string | undefined {
    const [first] = this.#heartbeats.all;
    return first && (first.setName ?? "");
  }

  /**
   * Connects and asks all questions, at the same time: this takes no longer than to connect and to wait for two answers.
   *
   * @throws {UnreachableError} Says why the database cannot be used.
   */
  async look(): Promise<DatabaseFacts> {
    const link = this.#link;
    await link.connect();
    const { database, letters, source } = this.#names;
    const db = link.db(database);
    const admin = link.db("admin");
    const options = { filter: this.#filter, maxTimeMS: MAX_TIME_MS };
    const collection = link.collection(database, source);
    const letterCollection = link.collection(database, letters);
    const ask = <T>(question: () => Promise<T>) => seen(() => link.run(question));
    const asFound = new Source(link, this.#names, this.#clock);
    const listing = seen(() => indexesOf(collection));
    const sourceProblem = seen(() => problemOf(asFound));
    const asked = sourceProblem.then((problem) => seen(() => this.#ask(problem)));
    const describing = ask(() => describe(db, [source, letters]));
    const told = doneBy(this.#heartbeats.complete(), { clock: this.#clock, limitMs: HEARTBEATS_MS });
    const { described, ...facts } = await resolved({
      described: describing,
      version: ask(async () => String((await admin.command({ buildInfo: 1 })).version)),
      certificates: this.#certificates(),
      user: ask(() => userRights(admin)),
      sourceProblem,
      server: asked,
      indexes: listing,
      letterIndexes: seen(() => indexesOf(letterCollection)),
      ttlOfWaiting: listing.then((indexes) =>
        indexes instanceof Unseen ? indexes : seen(() => ttlOfWaiting(collection, indexes, options))
      ),
      plans: asked.then(() => seen(() => claimPlans(db, source, { ...options, time: this.#server.time }))),
      shards: this.#heartbeats.all.some(({ isRouter }) => isRouter)
        ? seen(() => shardKeys(link.db("config"), { source: collection, letters: letterCollection }, options))
        : undefined,
      fleet: asked.then(() =>
        seen(() =>
          fleetFacts(link.collection(database, fleetCollection(source)), {
            ...options,
            time: this.#server.time,
          })
        )
      ),
      sizes: seen(() => sampledSizes(collection, options)),
      refusedWrites: describing.then((found) => this.#refusedWrites(collection, found)),
    });
    // The other members have told their time as well, if they answer.
    await told;
    return {
      ...facts,
      names: this.#names,
      isStandalone: link.told.isStandalone,
      heartbeats: this.#heartbeats.all,
      withoutMajority: link.told.withoutMajority,
      sourceWarning: asFound.warning,
      source: descriptionOf(source, described),
      letters: descriptionOf(letters, described),
    };
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  /** What each server shows; nothing of those that show nothing. */
  async #certificates(): Promise<DatabaseFacts["certificates"]> {
    if (!this.#link.client.options.tls) return new Map();
    const found = await Promise.all(this.#heartbeats.members.map(async (server) => {
      return [server, await serverCertificate(server, this.#clock)] as const;
    }));
    return new Map(found.flatMap(([server, shown]) => shown ? [[server, shown]] : []));
  }

  /** To ask a server what it lacks takes a collection that exists. */
  async #ask(problem: SourceProblem | Unseen | undefined): Promise<ServerFacts | Unseen> {
    if (problem !== undefined) {
      return new Unseen("the collection that it would be asked about does not exist");
    }
    const isWithoutRetries = this.#link.client.options.retryWrites === false;
    const { database, source } = this.#names;
    const [streamsOff] = await Promise.all([
      this.#link.run(() => areStreamsOff(this.#link.db(database), source)),
      this.#server.ask(),
    ]);
    const { abilities, kind } = this.#server;
    return { kind, lacking: abilities.lacking.map(([name]) => name), streamsOff, isWithoutRetries };
  }

  async #refusedWrites(
    collection: Collection,
    described: Map<string, Document> | Unseen | undefined,
  ): Promise<DatabaseFacts["refusedWrites"]> {
    const source = descriptionOf(this.#names.source, described);
    if (source instanceof Unseen) return source;
    const options = source?.options;
    if (!options?.validator || options.validationAction === "warn" || options.validationLevel === "off") {
      return [];
    }
    return await seen(() =>
      refusedWrites(collection, options, { filter: this.#filter, maxTimeMS: MAX_TIME_MS })
    );
  }
}

/** What each of some promises resolves to, by their names. */
async function resolved<T extends Record<string, unknown>>(
  promises: T,
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const entries = Object.entries(promises).map(async ([name, promise]) => [name, await promise] as const);
  return Object.fromEntries(await Promise.all(entries)) as { [K in keyof T]: Awaited<T[K]> };
}

/** Why the agent could not pull from the collection; undefined if it can. Throws what the driver throws. */
async function problemOf(source: Source): Promise<SourceProblem | undefined> {
  try {
    await source.look();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { text: errorText(error), near: error.near };
  }
}

/** How the server describes a collection; undefined if there is none of this name. */
function descriptionOf(
  name: string,
  described: Map<string, Document> | Unseen | undefined,
): Document | Unseen | undefined {
  if (described instanceof Unseen) return described;
  const found = described?.get(name);
  // Without the right to list collections, a server names them alone.
  return described === undefined || (found && found.options === undefined) ? UNTOLD : found;
}

/** The user may list no collections, or the server is only compatible and lists none. */
const UNTOLD = new Unseen("This user may not see the options of collections: grant it listCollections", {
  isForbidden: true,
});

/** The indexes of a collection; none if it does not exist. */
async function indexesOf(collection: Collection): Promise<readonly Document[]> {
  try {
    return await collection.listIndexes().toArray();
  } catch (error) {
    if (isNoCollection(error)) return [];
    throw error;
  }
}

/** What tests control. */
export interface ExaminerOptions {
  clock?: Clock;
  /** The time of this machine. */
  now?: () => Date;
}
