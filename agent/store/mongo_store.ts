import type { Collection, Document, Filter } from "mongodb";
import { SYSTEM } from "../lib/time_and_chance.ts";
import type { Ack, Claim, ClaimLimit, DocumentStore, LeasedDocument, LeftAlone, Nack } from "../ports.ts";
import { type LookMoment, NOTHING_CLAIMED, type Settlement, type Snooze } from "../ports.ts";
import type { BacklogLook, BacklogReader } from "./backlog_reader.ts";
import { Claimer } from "./claims/claimer.ts";
import { DeadLetterMaker } from "./dead_letters/dead_letter_maker.ts";
import type { DeadLetterOptions } from "./dead_letters/options.ts";
import { type EffectWriter, effectWriter } from "./effects/effect_writer.ts";
import { type FleetRegistryEntry, MongoFleetRegistry } from "./fleet/mongo_registry.ts";
import { ensureIndexes } from "./indexes.ts";
import { Link } from "./connection/link.ts";
import type { LinkListeners } from "./connection/link_listeners.ts";
import { isDoubtful, isForbidden, isTransient, isUnsupported } from "./mongo_errors.ts";
import { MAX_TIME_MS, timeLimits } from "./connection/operation_timeout.ts";
import { writeLimitMs } from "./limited_writes.ts";
import { KnownServer } from "./server/known_server.ts";
import { ServerClock, syncClock } from "./connection/server_clock.ts";
import { claimModes, leavingRanges, type Ranges } from "./ranges/ranges.ts";
import { Source, sourceNames } from "./source.ts";
import type { UriSource } from "./connection/uri_source.ts";
import { canceled, markRunningAlone, renew } from "./lease_writes.ts";
import { ack, nack, release } from "./outcomes/ack_nack_release.ts";
import { snooze } from "./outcomes/snooze.ts";
import { StoreForCommands } from "./store_for_commands.ts";
import { StoreStreams } from "./store_streams.ts";
import type { StoreContext } from "./store_context.ts";
import type { StoreSettings, StoreSurroundings } from "./store_settings.ts";

/** A collection of MongoDB as the agent's store. */
export class MongoStore implements DocumentStore {
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
  /** What exists under the name of the collection. */
  readonly source: Source;
  readonly isDoubtful = isDoubtful;
  /** What answers, and what it lacks. */
  readonly server: KnownServer;
  /** The same collection, for the commands of operators. */
  readonly forCommands: StoreForCommands;
  /** Streams of its changes. */
  readonly streams: StoreStreams;
  readonly #link: Link;
  readonly #collection: Collection;
  readonly #claimer: Claimer;
  readonly #deadLetterMaker: DeadLetterMaker;
  readonly #effects: EffectWriter;
  readonly #syncClock: () => Promise<void>;
  readonly #context: StoreContext & DeadLetterOptions;
  readonly #filter: Filter<Document> | undefined;
  /** If `CLAIM_MODE` is `range`. */
  readonly #ranges: Ranges | undefined;
  #backlogReader: BacklogReader | undefined;
  #isGuarded = false;

  /**
   * Throws `MongoParseError` if the URI is not valid.
   *
   * @param filter only documents that match it as well are claimed
   */
  constructor(settings: StoreSettings, filter?: Filter<Document>, surroundings: StoreSurroundings = SYSTEM) {
    const { agentName, leaseMs } = settings;
    const { clock, details, instance, isLeaseless = false, random } = surroundings;
    this.#filter = filter;
    const serverClock = new ServerClock(clock);
    const uriSetting = settings.mongodbUriFile === undefined ? "MONGODB_URI" : "MONGODB_URI_FILE";
    const connection = {
      agentName,
      leaseMs: isLeaseless ? Infinity : leaseMs,
      serverClock,
      uriSetting,
      ...(instance && { instance }),
    } as const;
    const link = new Link(settings.mongodbUri, connection, clock, details);
    const collection = link.collection(settings.mongodbDatabase, settings.mongodbCollection);
    const letters = link.collection(settings.mongodbDatabase, settings.deadLetterCollection);
    this.warnings = link.warnings;
    this.source = new Source(link, sourceNames(settings), clock);
    this.#link = link;
    this.#collection = collection;
    const server = this.server = new KnownServer({ link, serverClock, names: sourceNames(settings) });
    const limits = { maxTimeMS: MAX_TIME_MS, writeLimitMs: writeLimitMs(timeLimits(leaseMs).socketMs) };
    this.#context = { collection, letters, clock, serverClock, server, leaseMs, ...limits };
    this.streams = new StoreStreams({ ...this.#context, link, random, source: this.source });
    this.#deadLetterMaker = new DeadLetterMaker(this.#context);
    this.#effects = effectWriter(link, { ...this.#context, random });
    this.#syncClock = () => syncClock(link, serverClock);
    this.forCommands = new StoreForCommands({ ...this.#context, server, link, filter, owner: agentName });
    const shared = { ...this.#context, filter, owner: agentName, syncClock: this.#syncClock };
    const modes = claimModes(settings, { ...shared, link, random, refusals: this.#deadLetterMaker });
    this.#ranges = modes.ranges;
    this.#claimer = new Claimer({
      ...shared,
      ...modes,
      details,
      random,
      withoutMajority: () => link.told.withoutMajority,
      claimLimitMs: timeLimits(leaseMs).claimMs,
      maxAttempts: settings.maxAttempts,
      readBack: settings.readBack,
    });
  }

  /**
   * Makes every claim check that the collection exists, and what the server lacks. That costs no round trip once it is
   * known.
   */
  guardSource(): void {
    this.#isGuarded = true;
  }

  async claim(limit: ClaimLimit): Promise<Claim> {
    if (this.#isGuarded) await this.ensureUsable();
    const claim = await this.#claimed(() => this.#claimer.claim(limit));
    if (claim.documents.length === 0) this.source.doubt();
    if (claim.refused.length === 0) return claim;
    return { ...claim, refused: await this.#deadLetterMaker.makeOfRefused(claim.refused) };
  }

  async claimSuspect(): Promise<Claim> {
    const suspect = await this.#claimed(() => this.#claimer.claimSuspect());
    return suspect ? { ...NOTHING_CLAIMED, documents: [suspect], takeovers: 1 } : NOTHING_CLAIMED;
  }

  async leftAlone(moment: LookMoment): Promise<readonly LeftAlone[] | undefined> {
    // A collection that was renamed or dropped holds no documents either.
    if (moment === "last" && this.#isGuarded) await this.source.look();
    return await this.#claimer.leftAlone(moment);
  }

  markRunningAlone(document: LeasedDocument): Promise<number> {
    return markRunningAlone(document, this.#context);
  }

  recover(): Promise<readonly LeasedDocument[]> {
    return this.#claimer.recover();
  }

  ack(acks: readonly Ack[]): Promise<Settlement> {
    return this.#freeKeysAfter(acks.map(({ document }) => document), ack(acks, this.#context));
  }

  ackWithWrites(acks: readonly Ack[]): Promise<Settlement> {
    return this.#freeKeysAfter(acks.map(({ document }) => document), this.#effects.write(acks));
  }

  nack(nacks: readonly Nack[]): Promise<Settlement> {
    return this.#freeKeysAfter(nacks.map(({ document }) => document), nack(nacks, this.#context));
  }

  release(documents: readonly LeasedDocument[]): Promise<Settlement> {
    return this.#freeKeysAfter(documents, release(documents, this.#context));
  }

  snooze(snoozes: readonly Snooze[]): Promise<Settlement> {
    return this.#freeKeysAfter(snoozes.map(({ document }) => document), snooze(snoozes, this.#context));
  }

  renew(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    const renewLeases = (some: readonly LeasedDocument[]) => renew(some, this.#context);
    return this.#ranges ? this.#ranges.renew(documents, renewLeases) : renewLeases(documents);
  }

  canceled(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    return canceled(documents, this.#context);
  }

  deadLetter(document: LeasedDocument, error: string): Promise<number> {
    const maker = this.#deadLetterMaker;
    const made = this.#ranges?.deadLetter(document, error, maker) ?? maker.make(document, error);
    return this.#freeKeysAfter([document], made);
  }

  finishVerdict(document: LeasedDocument): Promise<number> {
    return this.#freeKeysAfter([document], this.#deadLetterMaker.finish(document));
  }

  exclude({ id }: LeasedDocument, error: unknown): void {
    this.#claimer.exclude(id, error);
  }

  isTransient(error: unknown): boolean {
    return isTransient(error) || isUnsupported(error);
  }

  isForbidden(error: unknown): boolean {
    return isForbidden(error) || isUnsupported(error);
  }

  /**
   * Looks whether the agent can work with the collection and its server, unless that is known.
   *
   * @throws {SourceError} If it cannot. Otherwise what the driver throws.
   */
  async ensureUsable(): Promise<void> {
    await this.source.ensureUsable();
    if (!this.server.isUsable) await this.server.learn();
  }

  /** Asks the server again what it lacks, once a claim has met something of that. */
  async #claimed<T>(claim: () => Promise<T>): Promise<T> {
    try {
      return await claim();
    } catch (error) {
      if (isUnsupported(error)) this.server.doubt();
      throw error;
    }
  }

  /** Lets claims go on that wait for the documents that are written. */
  async #freeKeysAfter<T>(documents: readonly LeasedDocument[], write: Promise<T>): Promise<T> {
    try {
      return await leavingRanges(documents, write);
    } finally {
      this.#claimer.settled(documents);
    }
  }

  /** Counts what waits. Never throws: what cannot be found out is not known. One look at a time. */
  async backlog(): Promise<BacklogLook> {
    this.#backlogReader ??= await this.#readerOfBacklog();
    return await this.#backlogReader.look();
  }

  /** In a fleet, most agents never look. */
  async #readerOfBacklog(): Promise<BacklogReader> {
    const { BacklogReader } = await import("./backlog_reader.ts");
    const shared = { ...this.#context, claimer: this.#claimer, filter: this.#filter };
    return new BacklogReader({ ...shared, syncClock: this.#syncClock });
  }

  /** The registry of the agents of the collection, with an entry for this one. */
  fleetRegistry(entry: FleetRegistryEntry): MongoFleetRegistry {
    const { server, source } = this;
    const shared = { ...this.#context, filter: this.#filter, link: this.#link, syncClock: this.#syncClock };
    return new MongoFleetRegistry({ ...shared, server, source, ...entry });
  }

  /** The server's time, as far as it is known. */
  get serverTime(): Date | undefined {
    const { serverClock } = this.#context;
    return serverClock.isKnown ? serverClock.now() : undefined;
  }

  /** Reports events of the connection to `listeners` from now on. */
  listen(listeners: LinkListeners): void {
    this.#link.listen(listeners);
  }

  /** Follows a connection string that may change, if there is a `source`, and the certificates that it names. */
  follow(source?: UriSource): void {
    this.#link.follow(source);
  }

  /**
   * Connects, so that whether the database can be used is known before the first claim.
   *
   * @throws {UnreachableError} Says why that is not possible.
   */
  async connect(): Promise<void> {
    await this.#link.connect();
  }

  /** The certificates that a new connection needs. Never throws. */
  certificates(): ReturnType<Link["certificates"]> {
    return this.#link.certificates();
  }

  /** Whether the server is known to be one by itself, which has no transactions. */
  get isStandalone(): boolean {
    return this.#link.told.isStandalone;
  }

  /** How many documents the collection has, by its metadata. Throws what the driver throws. */
  documentCount(): Promise<number> {
    return this.#collection.estimatedDocumentCount({ maxTimeMS: MAX_TIME_MS });
  }

  /**
   * Makes the indexes that the claims need, if the collection exists. Returns a sentence for each index that cannot
   * serve. Throws what the driver throws.
   *
   * @throws {SourceError} if it is not, or is no collection
   */
  async ensureIndexes(): Promise<readonly string[]> {
    // To make an index would make the collection.
    await this.source.look();
    return await ensureIndexes(this.#collection, this.#link.abilities);
  }

  /** Closes all connections, once the ranges that are done are dropped. */
  async close(): Promise<void> {
    await this.#ranges?.flush();
    await this.#link.close();
  }
}
