import { MongoServerError } from "mongodb";
import type { Document, DocumentStore } from "../../agent/ports.ts";
import { FaultyStore, TransientError } from "../support/faulty_store.ts";
import { COLLECTION, jobs, letters, LONG_AGO, openStore, type TestStore } from "../support/store.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
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

  constructor(database: TestDatabase) {
    this.#database = database;
    this.#proxy = new TcpProxy(database.uri);
    this.store = this.opened = openStore({ uri: this.#proxy.uri, name: database.name });
    this.other = openStore(database);
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

testDocumentStore("MongoStore", async () => new MongoSubject(await testDatabase("contract")));
testDocumentStore(
  "FaultyStore",
  async () => new FaultySubject(await testDatabase("contract")),
  (promise) => /answer/.test(promise),
);
