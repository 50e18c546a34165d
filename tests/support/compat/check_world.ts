import type { Collection, Db } from "mongodb";
import type { AgentSettings } from "../../../agent/agent_settings.ts";
import type { Processor } from "../../../agent/processors/processor.ts";
import { InProcessAgent } from "../in_process_agent.ts";
import { type AnyDocument, openStore, type TestStore } from "../store.ts";
import { waitFor } from "../wait.ts";

/** A claim may wait for the next look: servers that are far away answer late. */
const PATIENCE_MS = 20_000;

/** Where a check works: collections of its own, and the way of an agent to them. `await using` closes the agents. */
export class CheckWorld implements AsyncDisposable {
  readonly documents: Collection<AnyDocument>;
  readonly letters: Collection<AnyDocument>;
  readonly db: Db;
  readonly #place: CheckPlace;
  readonly #stack = new AsyncDisposableStack();

  private constructor(place: CheckPlace, collection: string) {
    this.#place = place;
    this.db = place.db;
    this.documents = place.db.collection(collection);
    this.letters = place.db.collection(`${collection}_dead_letters`);
  }

  static async of(place: CheckPlace, collection: string): Promise<CheckWorld> {
    const world = new CheckWorld(place, collection);
    await place.db.createCollection(collection);
    return world;
  }

  /** The store of an agent, connected as an agent connects. */
  async store(overrides: Parameters<typeof openStore>[1] = {}): Promise<TestStore> {
    const store = this.#stack.use(openStore({ uri: this.#place.uri, name: this.db.databaseName }, {
      mongodbCollection: this.documents.collectionName,
      deadLetterCollection: this.letters.collectionName,
      ...overrides,
    }));
    store.guardSource();
    await store.connect();
    await store.ensureUsable();
    // Some servers build one index of a collection at a time, and refuse another agent's until it is there.
    await waitFor("the indexes", async () => await store.ensureIndexes(), { timeoutMs: PATIENCE_MS });
    return store;
  }

  /** An agent at work. */
  async agent(
    processor: Processor,
    settings: Partial<AgentSettings> = {},
    store?: TestStore,
  ): Promise<InProcessAgent> {
    return this.#stack.use(
      new InProcessAgent(
        store ?? await this.store({ leaseMs: settings.leaseMs ?? 60_000 }),
        processor,
        settings,
      ),
    );
  }

  /** Inserts documents that wait, one write for all. */
  async insert(...documents: AnyDocument[]): Promise<void> {
    await this.documents.insertMany(documents.map((document) => ({ status: "pending", ...document })));
  }

  /** Resolves once so many documents have a status. */
  async until(status: string, count: number): Promise<void> {
    const look = async () => await this.documents.countDocuments({ status }) === count;
    await waitFor(`${count} to be ${status}`, look, { timeoutMs: PATIENCE_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A database for checks. */
export interface CheckPlace {
  /** By which agents connect. */
  readonly uri: string;
  /** By which checks set up what agents find, and look at what becomes of it. */
  readonly db: Db;
}
