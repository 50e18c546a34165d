/**
 * The collection of a fleet's agents, as tests look at it and operators write into it.
 *
 * @module
 */

import type { Collection, Document } from "mongodb";
import { DOCUMENTS, type TestDatabase } from "./mongod.ts";
import { waitFor } from "./wait.ts";

/** What operators ask of all agents. */
interface Asked {
  state: "running" | "paused";
  by?: string;
  reason?: string;
}

/** The registry of the agents of a database's documents. */
export class FleetDatabase {
  // deno-lint-ignore no-explicit-any
  readonly collection: Collection<any>;

  constructor({ client, name }: Pick<TestDatabase, "client" | "name">, source = DOCUMENTS) {
    this.collection = client.db(name).collection(`${source}_agents`);
  }

  /** Asks something of all agents; returns the id of the request. */
  async ask({ by = "alice", reason, state }: Asked): Promise<string> {
    const id = crypto.randomUUID();
    await this.collection.updateOne({ _id: "control", registry: "pulling-agent" }, {
      $set: { id, state, by, ...(reason !== undefined && { reason }) },
      ...(reason === undefined && { $unset: { reason: "" } }),
      $currentDate: { at: true },
    }, { upsert: true });
    return id;
  }

  /** The entries of the agents, in the order in which they have started. */
  async entries(): Promise<Document[]> {
    return await this.collection.find({ _id: { $regex: /^\d{4}-/ } }).sort({ _id: 1 }).toArray();
  }

  /** Resolves with the entries once all are as `accept` wants them, and there are so many. */
  async untilEntries(
    what: string,
    count: number,
    accept: (entry: Document) => boolean,
    options: { timeoutMs?: number } = {},
  ): Promise<Document[]> {
    return await waitFor(what, async () => {
      const entries = await this.entries();
      return entries.length === count && entries.every(accept) ? entries : undefined;
    }, options);
  }
}
