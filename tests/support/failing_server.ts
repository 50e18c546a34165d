/**
 * A server of its own that can be told to fail commands of the agents under test.
 *
 * @module
 */

import { type Document, MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { TestDatabase } from "./mongod.ts";

/** A server that fails commands as it is told; `await using` stops it. */
export class FailingServer implements AsyncDisposable {
  readonly #server: RunningMongod;
  readonly #admin: MongoClient;

  private constructor(server: RunningMongod) {
    this.#server = server;
    this.#admin = new MongoClient(server.uri);
  }

  /** Starts it. @throws {Error} if there is no `mongod` */
  static async start(): Promise<FailingServer> {
    return new FailingServer(await startMongod({ replicaSet: true, testCommands: true }));
  }

  /** A fresh database on it. */
  database(): TestDatabase {
    return new TestDatabase(this.#server.uri, `failing_${crypto.randomUUID().slice(0, 8)}`);
  }

  /**
   * Fails commands of the client `appName` in the words of `failCommand`, until {@linkcode FailingServer.mend}; by `mode`
   * only so many of them, or all but the first.
   */
  async fail(
    appName: string,
    data: Document,
    mode: "alwaysOn" | { times: number } | { skip: number } = "alwaysOn",
  ): Promise<void> {
    await this.#configure(mode, { appName, ...data });
  }

  /** Fails no command any more; returns how many it failed, or let through, since the last {@linkcode FailingServer.fail}. */
  async mend(): Promise<number> {
    return (await this.#configure("off")).count;
  }

  async #configure(mode: unknown, data?: Document): Promise<Document> {
    const command = { configureFailPoint: "failCommand", mode, ...(data && { data }) };
    return await this.#admin.db("admin").command(command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await this.#server.stop();
  }
}
