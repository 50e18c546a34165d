import { MongoServerError } from "mongodb";
import type { Document, DocumentStore } from "../../agent/ports.ts";
import { FaultyStore, TransientError } from "../support/faulty_store.ts";
import {
  type AnyDocument,
  COLLECTION,
  jobs,
  letters,
  LONG_AGO,
  openStore,
  type TestStore,
} from "../support/store.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { isOlderThan } from "../support/server_version.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import type { StoreSettings } from "../../agent/store/store_settings.ts";
import { ALL } from "./cases.ts";
import { testDocumentStore } from "./document_store.ts";
import { type Given, type Lossy, type Stored, type Subject, TARGET } from "./subject.ts";

/** The real store on a real MongoDB, with a proxy between them. */
class MongoSubject implements Subject {
  readonly errors = {
    transient: new MongoServerError({ code: 91, message: "shutting down" }),
    doubtful: new MongoServerError({ code: 4242, message: "something unknown" }),
    forbidden: new MongoServerError({ code: 13, message: "not authorized" }),
    // A validator refuses the document.
    other: new MongoServerError({ message: "Document failed validation", code: 121 }),
  };
  readonly store: DocumentStore;
  readonly other: TestStore;
  protected readonly opened: TestStore;
  readonly #database: TestDatabase;
  readonly #proxy: TcpProxy;

  constructor(database: TestDatabase, settings: Partial<StoreSettings> = {}) {
    this.#database = database;
    this.#proxy = new TcpProxy(database.uri);
    this.store = this.opened = openStore({ uri: this.#proxy.uri, name: database.name }, settings);
    this.other = openStore(database, settings);
  }

  protected get database(): TestDatabase {
    return this.#database;
  }

  protected get proxy(): TcpProxy {
    return this.#proxy;
  }

  async insert(...given: Given[]): Promise<void> {
    await jobs(this.#database).insertMany(given.map(documentOf));
  }

  async stored(id: string): Promise<Stored> {
    const { _id, _pull = {}, error, processed_at: _, status, ...fields } = await jobs(this.#database).findOne(
      {
        _id: id,
      },
    );
    const { alone = 0, attempts = 0, saved, snoozes = 0, takeovers = 0, token } = _pull;
    return {
      status,
      attempts,
      takeovers,
      snoozes,
      saved,
      alone,
      isLeased: token !== undefined,
      error,
      fields,
    };
  }

  async letter(id: string): Promise<string | undefined> {
    return (await letters(this.#database).findOne({ _id: id }))?.error;
  }

  async targets(): Promise<Document[]> {
    return await this.#database.db.collection(TARGET).find().sort({ _id: 1 }).toArray();
  }

  async expireLease(id: string): Promise<void> {
    await jobs(this.#database).updateOne({ _id: id }, { $set: { "_pull.visible_at": LONG_AGO } });
  }

  async cancel(id: string): Promise<void> {
    await (await this.opened.forCommands.cancellation()).cancel(id, undefined);
  }

  loseAnswer(method: Lossy): void {
    if (method === "ackWithWrites") {
      // The driver sends a commit once more.
      this.#proxy.loseAnswers({ command: "commitTransaction" }, 2);
      return;
    }
    // All others are writes on the collection; the driver itself sends one on a single document once more.
    const times = ["claimSuspect", "snooze", "save"].includes(method) ? 2 : 1;
    this.#proxy.loseAnswers({ command: "update", collection: COLLECTION }, times);
  }

  async refuse(id: string): Promise<void> {
    const validator = { $or: [{ _id: { $ne: id } }, { status: "processing" }] };
    await this.#database.db.command({ collMod: COLLECTION, validator });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.close();
    await this.other.close();
    await this.#proxy[Symbol.asyncDispose]();
    await this.#database.close();
  }
}

/** The same store with faults that a test plans instead of those that a proxy makes. */
class FaultySubject extends MongoSubject {
  override readonly store: FaultyStore;

  constructor(database: TestDatabase) {
    super(database);
    this.store = new FaultyStore(this.opened);
  }

  override loseAnswer(method: Lossy): void {
    this.store.fail(method === "save" ? "renew" : method, new TransientError("connection reset"), {
      applied: true,
    });
  }
}

const AGENTS = `${COLLECTION}_agents`;

/** The real store, with its new documents held by ranges. */
class RangeSubject extends MongoSubject {
  constructor(database: TestDatabase) {
    super(database, { claimMode: "range" });
  }

  /** A document in a range that is held carries nothing of it: it counts as leased here. */
  override async stored(id: string): Promise<Stored> {
    const stored = await super.stored(id);
    const document = await jobs(this.database).findOne({ _id: id });
    if (stored.status !== "pending" || document?._pull !== undefined) return stored;
    if (await this.#rangeOf(id) === undefined) return stored;
    return { ...stored, status: "processing", isLeased: true, attempts: 1 };
  }

  /** Lets the range of a document run out; if it has others, only the document is taken out of it, as a takeover does. */
  override async expireLease(id: string): Promise<void> {
    const range = await this.#rangeOf(id);
    const document = await jobs(this.database).findOne({ _id: id });
    if (range === undefined || document._pull !== undefined) return await super.expireLease(id);
    const held = await jobs(this.database).countDocuments({
      status: "pending",
      _pull: { $exists: false },
      _id: { $gt: range.from, $lte: range.to },
    });
    if (held > 1) {
      const _pull = { visible_at: LONG_AGO, takeovers: 1 };
      await jobs(this.database).updateOne({ _id: id }, { $set: { _pull } });
      return;
    }
    await rangesOf(this.database).updateOne({ "ranges.token": range.token }, {
      $set: { "ranges.$.visible_at": LONG_AGO },
    });
  }

  override loseAnswer(method: Lossy): void {
    // A document gets a lease of its own before its checkpoint is written.
    if (method === "save") this.proxy.loseAnswers({ command: "update", collection: COLLECTION });
    // The driver sends an update of one document once more.
    else if (method === "claim") {
      this.proxy.loseAnswers({ command: "update", collection: AGENTS }, 2);
    } else super.loseAnswer(method);
  }

  override async refuse(id: string): Promise<void> {
    const validator = { $or: [{ _id: { $ne: id } }, { status: "pending", _pull: { $exists: false } }] };
    await this.database.db.command({ collMod: COLLECTION, validator });
  }

  async #rangeOf(id: string): Promise<Document | undefined> {
    const document = await rangesOf(this.database).findOne({ _id: "ranges" });
    const isLess = (one: unknown) => typeof one !== "string" || one < id;
    return document?.ranges.find(({ from, to }: Document) => isLess(from) && id <= to);
  }
}

function rangesOf(database: TestDatabase) {
  return database.db.collection<AnyDocument>(AGENTS);
}

function documentOf({ dueInMs, expired, fields, id, verdict }: Given): Record<string, unknown> {
  if (expired === undefined) {
    const scheduled = dueInMs !== undefined && { _pull: { visible_at: new Date(Date.now() + dueInMs) } };
    return { _id: id, status: "pending", ...fields, ...scheduled };
  }
  const judged = verdict !== undefined && { dead_at: LONG_AGO };
  const _pull = {
    token: `gone-${id}`,
    owner: "gone",
    visible_at: LONG_AGO,
    attempts: 1,
    ...expired,
    ...judged,
  };
  return { _id: id, status: "processing", ...fields, ...(judged && { error: verdict }), _pull };
}

/** Range mode is refused there. */
const NO_RANGES = isOlderThan("5.0");

testDocumentStore("MongoStore", async () => new MongoSubject(await testDatabase("contract")));
testDocumentStore(
  "MongoStore with ranges",
  async () => new RangeSubject(await testDatabase("contract")),
  {
    // A document that is excluded counts as waiting as long as it is in a range.
    accept: (promise) =>
      !/answer/.test(promise) && promise !== "names a document that waits and was excluded, and why",
    ignore: NO_RANGES,
  },
);
testDocumentStore(
  "MongoStore with ranges",
  async () => {
    const subject = new RangeSubject(await testDatabase("contract"));
    // The first claim takes the mode: the answer that is lost is to be that of a swap.
    await subject.store.claim(ALL);
    return subject;
  },
  { accept: (promise) => /answer/.test(promise), ignore: NO_RANGES },
);
testDocumentStore(
  "FaultyStore",
  async () => new FaultySubject(await testDatabase("contract")),
  { accept: (promise) => /answer/.test(promise) },
);
