/**
 * Databases of the servers which `scripts/run_tests.ts` starts for all tests. Tests that stop, kill or freeze a server start
 * one of their own with `startMongod` from `scripts/mongod.ts`.
 *
 * @module
 */

import { type Db, MongoClient } from "mongodb";
import { DEFAULT_TIMEOUT_MS } from "./wait.ts";

/** The collection that agents under test pull from. */
export const DOCUMENTS = "documents";

/** What can be chosen for {@linkcode testDatabase}. */
export interface TestDatabaseOptions {
  /** Use the server that is not a replica set, so without change streams and retryable writes. */
  standalone?: boolean | undefined;
  /** Leave it empty: else it has the collection that agents under test pull from, which they do not make themselves. */
  empty?: boolean;
}

/** A database that no other test uses, and a client for it; `await using` drops the one and closes the other. */
export class TestDatabase implements AsyncDisposable {
  readonly uri: string;
  readonly client: MongoClient;
  readonly db: Db;

  constructor(uri: string, name: string) {
    this.uri = uri;
    this.client = new MongoClient(uri, { serverSelectionTimeoutMS: DEFAULT_TIMEOUT_MS });
    this.db = this.client.db(name);
  }

  /** The database's name. */
  get name(): string {
    return this.db.databaseName;
  }

  /** Drops the database and closes the client. */
  async close(): Promise<void> {
    try {
      await this.db.dropDatabase();
    } finally {
      await this.client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a fresh database named after the test or file that uses it. Open it inside the test: the leak checks of
 * `deno test` then cover it.
 *
 * @throws {Error} when the tests run without the servers
 */
export async function testDatabase(name: string, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const readable = name.replaceAll(/[^A-Za-z0-9]+/g, "_").slice(0, 40);
  const database = new TestDatabase(testUri(options), `${readable}_${crypto.randomUUID().slice(0, 8)}`);
  await database.client.connect();
  if (!options.empty) await database.db.createCollection(DOCUMENTS);
  return database;
}

/**
 * The URI of the server shared by all tests.
 *
 * @throws {Error} when the tests run without it
 */
export function testUri(options: TestDatabaseOptions = {}): string {
  const variable = options.standalone ? "TEST_MONGODB_STANDALONE_URI" : "TEST_MONGODB_URI";
  const uri = Deno.env.get(variable);
  if (uri === undefined) {
    throw new Error(
      `This test needs a MongoDB server and ${variable} is not set: run it with 'deno task test', ` +
        "which starts one (a single file: 'deno task test PATH')",
    );
  }
  return uri;
}
