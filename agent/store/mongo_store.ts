import { type Collection, MongoClient } from "mongodb";
import type { Ack, Claim, ClaimLimit, DocumentStore, LeasedDocument, LeftAlone, Nack } from "../ports.ts";
import type { Settings } from "../settings.ts";
import { withAnswerLimit, within } from "./answer_limit.ts";
import { Claimer } from "./claimer.ts";
import { connect, type Connection } from "./connection.ts";
import { deadLetter, finishVerdict } from "./dead_letters.ts";
import type { DeadLetterOptions } from "./letter_options.ts";
import { buryOversize } from "./oversize.ts";
import { parseSourceFilter } from "./filter.ts";
import { ensureIndexes } from "./indexes.ts";
import { LetterBox } from "./letter_box.ts";
import { isForbidden, isTransient } from "./mongo_errors.ts";
import { WakeStream, type WakeStreamOptions } from "./wake_stream.ts";
import { ack, type HolderOptions, markAlone, nack, release, renew } from "./settlements.ts";

/** The settings that the store follows. */
export type StoreSettings = Pick<
  Settings,
  | "agentName"
  | "deadLetterCollection"
  | "filter"
  | "leaseDurationMs"
  | "maxAttempts"
  | "mongodbCollection"
  | "mongodbDatabase"
  | "mongodbUri"
  | "readBack"
>;

/** A server stops working on a query of ours after this long, in milliseconds. */
const MAX_TIME_MS = 10_000;

/** A collection of MongoDB as the agent's store. */
export class MongoStore implements DocumentStore {
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
  /** Calls `listener` whenever a server that takes writes comes into reach or is lost. */
  readonly onReachable: Connection["onReachable"];
  readonly #client: MongoClient;
  readonly #collection: Collection;
  readonly #claimer: Claimer;
  readonly #syncClock: () => Promise<void>;
  readonly #holder: HolderOptions & DeadLetterOptions;

  /** Throws `MongoParseError` where the URI is not valid, and `Error` where the filter is not. */
  constructor(settings: StoreSettings) {
    const leaseMs = settings.leaseDurationMs;
    const connection = connect(settings.mongodbUri, { agentName: settings.agentName, leaseMs });
    const { client, clock, warnings } = connection;
    const database = client.db(settings.mongodbDatabase);
    const bounded = (name: string) => withAnswerLimit(database.collection(name), connection.answerLimitMs);
    const collection = bounded(settings.mongodbCollection);
    const letters = bounded(settings.deadLetterCollection);
    this.warnings = warnings;
    this.onReachable = connection.onReachable;
    this.#client = client;
    this.#collection = collection;
    this.#holder = { collection, letters, clock, leaseMs, maxTimeMS: MAX_TIME_MS };
    this.#syncClock = () => syncClock(connection);
    this.#claimer = new Claimer({
      ...this.#holder,
      syncClock: this.#syncClock,
      owner: settings.agentName,
      maxAttempts: settings.maxAttempts,
      filter: settings.filter === undefined ? undefined : parseSourceFilter(settings.filter),
      readBack: settings.readBack,
    });
  }

  async claim(limit: ClaimLimit): Promise<Claim> {
    const claim = await this.#claimer.claim(limit);
    if (claim.refused.length === 0) return claim;
    return { ...claim, refused: await buryOversize(claim.refused, this.#holder) };
  }

  claimSuspect(): Promise<LeasedDocument | undefined> {
    return this.#claimer.claimSuspect();
  }

  leftAlone(isLast: boolean): Promise<readonly LeftAlone[] | undefined> {
    return this.#claimer.leftAlone(isLast);
  }

  markAlone(document: LeasedDocument): Promise<number> {
    return markAlone(document, this.#holder);
  }

  recover(): Promise<readonly LeasedDocument[]> {
    return this.#claimer.recover();
  }

  ack(acks: readonly Ack[]): Promise<number> {
    return ack(acks, this.#holder);
  }

  nack(nacks: readonly Nack[]): Promise<number> {
    return nack(nacks, this.#holder);
  }

  release(documents: readonly LeasedDocument[]): Promise<number> {
    return release(documents, this.#holder);
  }

  renew(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    return renew(documents, this.#holder);
  }

  deadLetter(document: LeasedDocument, error: string): Promise<number> {
    return deadLetter(document, error, this.#holder);
  }

  finishVerdict(document: LeasedDocument): Promise<number> {
    return finishVerdict(document, this.#holder);
  }

  isTransient(error: unknown): boolean {
    return isTransient(error);
  }

  /** Whether we lack the right to do it. */
  isForbidden(error: unknown): boolean {
    return isForbidden(error);
  }

  /** A stream of hints that there may be something to claim. */
  wakeStream(listeners: Omit<WakeStreamOptions, "db" | "collection" | "maxAwaitTimeMS">): WakeStream {
    const maxAwaitTimeMS = Math.min(5000, this.#client.options.socketTimeoutMS / 2);
    const { dbName, collectionName: collection } = this.#collection;
    return new WakeStream({ ...listeners, db: this.#client.db(dbName), collection, maxAwaitTimeMS });
  }

  /** The dead letters of the collection. Throws what the driver throws where the database is out of reach. */
  async letterBox(): Promise<LetterBox> {
    await this.#syncClock();
    return new LetterBox(this.#holder);
  }

  /** Connects, so that whether the database can be reached is known before the first claim. Throws what the driver throws. */
  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /** Makes the index that the claims need. Throws what the driver throws. */
  ensureIndexes(): Promise<void> {
    return ensureIndexes(this.#collection);
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Asks the primary for its time, where its heartbeats have not told it yet. */
async function syncClock({ answerLimitMs, client, clock }: Connection): Promise<void> {
  const reply = await within(client.db("admin").command({ hello: 1 }), answerLimitMs);
  clock.observe(reply.localTime, reply.me ?? client.options.hosts[0]?.toString() ?? "");
}
