import type { Collection, Document, Filter } from "mongodb";
import { SYSTEM, type TimeAndChance } from "../lib/time_and_chance.ts";
import type { Ack, Claim, ClaimLimit, DocumentStore, LeasedDocument, LeftAlone, Nack } from "../ports.ts";
import { type LookMoment, NOTHING_CLAIMED, type Settlement, type Snooze } from "../ports.ts";
import type { BacklogLook, BacklogReader } from "./backlog_reader.ts";
import { Claimer } from "./claims/claimer.ts";
import { DeadLetterMaker } from "./dead_letters/dead_letter_maker.ts";
import type { DeadLetterOptions } from "./dead_letters/options.ts";
import { Cancellation } from "./cancellation.ts";
import { DocumentsToRequeue, explainer } from "./requeue/documents_to_requeue.ts";
import { DocumentsToTry } from "./documents_to_try.ts";
import { type EffectWriter, effectWriter } from "./effects/effect_writer.ts";
import { type FleetRegistryEntry, MongoFleetRegistry } from "./fleet/mongo_registry.ts";
import { ensureIndexes } from "./indexes.ts";
import { LettersForCommands } from "./dead_letters/letters_for_commands.ts";
import { Link } from "./connection/link.ts";
import type { LinkListeners } from "./connection/link_listeners.ts";
import { isDoubtful, isForbidden, isTransient } from "./mongo_errors.ts";
import { MAX_TIME_MS, timeLimits } from "./connection/operation_timeout.ts";
import { writeLimitMs } from "./limited_writes.ts";
import { ServerClock, syncClock } from "./connection/server_clock.ts";
import { collectionNames, describe, Source, sourceNames } from "./source.ts";
import type { UriSource } from "./connection/uri_source.ts";
import { type WakeListeners, WakeStream } from "./wake_stream.ts";
import { canceled, markRunningAlone, renew } from "./lease_writes.ts";
import { ack, nack, release } from "./outcomes/ack_nack_release.ts";
import { snooze } from "./outcomes/snooze.ts";
import { DocumentStories } from "./why/document_stories.ts";
import type { StoreContext } from "./store_context.ts";
import type { StoreSettings, StoreSurroundings } from "./store_settings.ts";

/** A collection of MongoDB as the agent's store. */
export class MongoStore implements DocumentStore {
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
  /** What exists under the name of the collection. */
  readonly source: Source;
  readonly isTransient = isTransient;
  readonly isDoubtful = isDoubtful;
  readonly isForbidden = isForbidden;
  readonly #link: Link;
  readonly #collection: Collection;
  readonly #claimer: Claimer;
  readonly #deadLetterMaker: DeadLetterMaker;
  readonly #effects: EffectWriter;
  readonly #syncClock: () => Promise<void>;
  readonly #context: StoreContext & DeadLetterOptions;
  readonly #timeAndChance: TimeAndChance;
  readonly #filter: Filter<Document> | undefined;
  readonly #owner: string;
  #backlogReader: BacklogReader | undefined;
  #isGuarded = false;

  /**
   * Throws `MongoParseError` if the URI is not valid.
   *
   * @param filter only documents that match it as well are claimed
   */
  constructor(settings: StoreSettings, filter?: Filter<Document>, surroundings: StoreSurroundings = SYSTEM) {
    const { agentName, leaseMs } = settings;
    const { clock, details, random } = this.#timeAndChance = surroundings;
    this.#filter = filter;
    this.#owner = agentName;
    const serverClock = new ServerClock(clock);
    const uriSetting = settings.mongodbUriFile === undefined ? "MONGODB_URI" : "MONGODB_URI_FILE";
    const connection = { agentName, leaseMs, serverClock, uriSetting } as const;
    const link = new Link(settings.mongodbUri, connection, clock, details);
    const collection = link.collection(settings.mongodbDatabase, settings.mongodbCollection);
    const letters = link.collection(settings.mongodbDatabase, settings.deadLetterCollection);
    this.warnings = link.warnings;
    this.source = new Source(link, sourceNames(settings), clock);
    this.#link = link;
    this.#collection = collection;
    const limits = { maxTimeMS: MAX_TIME_MS, writeLimitMs: writeLimitMs(timeLimits(leaseMs).socketMs) };
    this.#context = { collection, letters, clock, serverClock, leaseMs, ...limits };
    this.#deadLetterMaker = new DeadLetterMaker(this.#context);
    this.#effects = effectWriter(link, { ...this.#context, random });
    this.#syncClock = () => syncClock(link, serverClock);
    this.#claimer = new Claimer({
      ...this.#context,
      details,
      random,
      syncClock: this.#syncClock,
      withoutMajority: () => link.withoutMajority,
      owner: agentName,
      claimLimitMs: timeLimits(leaseMs).claimMs,
      maxAttempts: settings.maxAttempts,
      filter,
      readBack: settings.readBack,
    });
  }

  /** Makes every claim check that the collection exists. That costs no round trip once it was found. */
  guardSource(): void {
    this.#isGuarded = true;
  }

  async claim(limit: ClaimLimit): Promise<Claim> {
    if (this.#isGuarded) await this.source.ensureUsable();
    const claim = await this.#claimer.claim(limit);
    if (claim.documents.length === 0) this.source.doubt();
    if (claim.refused.length === 0) return claim;
    return { ...claim, refused: await this.#deadLetterMaker.makeOfRefused(claim.refused) };
  }

  async claimSuspect(): Promise<Claim> {
    const suspect = await this.#claimer.claimSuspect();
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
    return renew(documents, this.#context);
  }

  canceled(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    return canceled(documents, this.#context);
  }

  deadLetter(document: LeasedDocument, error: string): Promise<number> {
    return this.#freeKeysAfter([document], this.#deadLetterMaker.make(document, error));
  }

  finishVerdict(document: LeasedDocument): Promise<number> {
    return this.#freeKeysAfter([document], this.#deadLetterMaker.finish(document));
  }

  exclude({ id }: LeasedDocument, error: unknown): void {
    this.#claimer.exclude(id, error);
  }

  /** Lets claims go on that wait for the documents that are written. */
  async #freeKeysAfter<T>(documents: readonly LeasedDocument[], write: Promise<T>): Promise<T> {
    try {
      return await write;
    } finally {
      this.#claimer.settled(documents);
    }
  }

  /** A stream of hints that there may be something to claim. */
  wakeStream(listeners: WakeListeners): WakeStream {
    const link = this.#link;
    const { dbName, collectionName: collection } = this.#collection;
    const db = () => link.connect().then(() => link.db(dbName));
    const stream = new WakeStream({
      ...listeners,
      ...this.#timeAndChance,
      onEnd: () => this.source.forget(),
      db,
      collection,
      maxAwaitTimeMS: timeLimits(this.#context.leaseMs).changesMs,
    });
    link.onReplaced(() => stream.reopen());
    return stream;
  }

  /** The dead letters of the collection. Throws what the driver throws if the database is out of reach. */
  async lettersForCommands(): Promise<LettersForCommands> {
    await this.#syncClock();
    return new LettersForCommands(this.#context);
  }

  /** The documents of the collection, for an operator. Throws what the driver throws if the database is out of reach. */
  async documentsToRequeue(): Promise<DocumentsToRequeue> {
    const [explain, letters] = [explainer(this.#link, this.#collection), await this.lettersForCommands()];
    return new DocumentsToRequeue({ ...this.#context, explain, filter: this.#filter, letters });
  }

  /** Cancels documents of the collection, for an operator. */
  cancellation(): Cancellation {
    return new Cancellation(this.#context);
  }

  /** The documents of the collection, for a processor that is tried on them. */
  documentsToTry(): DocumentsToTry {
    return new DocumentsToTry({ ...this.#context, filter: this.#filter });
  }

  /** Why documents of the collection are not done. Throws what the driver throws if the database is out of reach. */
  async documentStories(): Promise<DocumentStories> {
    const { dbName, collectionName } = this.#collection;
    const link = this.#link;
    return new DocumentStories({
      ...this.#context,
      lettersForCommands: await this.lettersForCommands(),
      filter: this.#filter,
      owner: this.#owner,
      describe: () =>
        link.run(async () =>
          (await describe(link.db(dbName), [collectionName]))?.get(collectionName)?.options
        ),
      collectionNames: () => link.run(() => collectionNames(link.db(dbName))),
      other: (name) => link.collection(dbName, name),
    });
  }

  /** Counts what waits. Never throws: what cannot be found out is not known. One look at a time. */
  async backlog(): Promise<BacklogLook> {
    this.#backlogReader ??= await this.#readerOfBacklog();
    return await this.#backlogReader.look();
  }

  /** Most agents never look. */
  async #readerOfBacklog(): Promise<BacklogReader> {
    const { BacklogReader } = await import("./backlog_reader.ts");
    const shared = { ...this.#context, claimer: this.#claimer, filter: this.#filter };
    return new BacklogReader({ ...shared, syncClock: this.#syncClock });
  }

  /** The registry of the agents of the collection, with an entry for this one. */
  fleetRegistry(entry: FleetRegistryEntry): MongoFleetRegistry {
    const shared = { ...this.#context, link: this.#link, syncClock: this.#syncClock };
    return new MongoFleetRegistry({ ...shared, ...entry });
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
    return this.#link.isStandalone;
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
    return await ensureIndexes(this.#collection);
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#link.close();
  }
}
