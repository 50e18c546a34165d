import type { Collection, Document, Filter } from "mongodb";
import { Cancellation } from "./cancellation.ts";
import type { Link } from "./connection/link.ts";
import { syncClock } from "./connection/server_clock.ts";
import { LettersForCommands } from "./dead_letters/letters_for_commands.ts";
import type { DeadLetterOptions } from "./dead_letters/options.ts";
import { Unseen } from "./doctor/unseen.ts";
import { userRights } from "./doctor/user_rights.ts";
import { AgentConnections } from "./fleet/agent_connections.ts";
import { FleetForCommands } from "./fleet/fleet_for_commands.ts";
import { DocumentsToTry } from "./documents_to_try.ts";
import { fleetCollection } from "../settings/fleet_settings.ts";
import { WorkCounts } from "./fleet/work_counts.ts";
import { DocumentsToRequeue, explainer } from "./requeue/documents_to_requeue.ts";
import type { KnownServer } from "./server/known_server.ts";
import { collectionNames, describe } from "./source.ts";
import type { StoreContext } from "./store_context.ts";
import { DocumentStories } from "./why/document_stories.ts";

/**
 * A collection as the commands of operators work on it. Each method finds out what the server lacks, and throws what the
 * driver throws if the database is out of reach.
 */
export class StoreForCommands {
  readonly #options: StoreForCommandsOptions;

  constructor(options: StoreForCommandsOptions) {
    this.#options = options;
  }

  /** The dead letters of the collection. */
  async letters(): Promise<LettersForCommands> {
    const { link, server, serverClock } = this.#options;
    await server.learn();
    await syncClock(link, serverClock);
    return new LettersForCommands(this.#options);
  }

  /** The documents of the collection, to be requeued. */
  async documentsToRequeue(): Promise<DocumentsToRequeue> {
    const { collection, link } = this.#options;
    const letters = await this.letters();
    const explain = explainer(link, collection);
    return new DocumentsToRequeue({ ...this.#options, agents: this.#agents, explain, letters });
  }

  /** Cancels documents of the collection. */
  async cancellation(): Promise<Cancellation> {
    await this.#options.server.learn();
    return new Cancellation({ ...this.#options, agents: this.#agents });
  }

  /** The documents of the collection, for a processor that is tried on them. */
  async documentsToTry(): Promise<DocumentsToTry> {
    await this.#options.server.learn();
    return new DocumentsToTry(this.#options);
  }

  /** The agents of the collection. */
  async fleet(): Promise<FleetForCommands> {
    const { link, server, serverClock } = this.#options;
    await server.ask();
    await syncClock(link, serverClock);
    const collection = this.#agents;
    return new FleetForCommands({
      ...this.#options,
      collection,
      connections: new AgentConnections(link),
      documents: this.#options.collection,
      name: collection.namespace,
    });
  }

  /**
   * The name of the user that may not change the documents or the letters; undefined if it may, or if the server does not
   * tell. Asks, and writes nothing.
   */
  async readOnlyUser(): Promise<string | undefined> {
    const { collection, letters, link } = this.#options;
    const rights = await link.run(() => userRights(link.db("admin")));
    if (rights === undefined || rights instanceof Unseen) return undefined;
    const on = ({ collectionName, dbName }: Collection) => ({ database: dbName, collection: collectionName });
    const may = rights.may("update", on(collection)) && rights.may("remove", on(letters));
    return may ? undefined : rights.name;
  }

  /** Counts the work that there is. */
  workCounts(): WorkCounts {
    const { link, serverClock } = this.#options;
    return new WorkCounts({ ...this.#options, syncClock: () => syncClock(link, serverClock) });
  }

  /** Why documents of the collection are not done. */
  async documentStories(): Promise<DocumentStories> {
    const { collection: { collectionName, dbName }, link } = this.#options;
    return new DocumentStories({
      ...this.#options,
      lettersForCommands: await this.letters(),
      describe: () =>
        link.run(async () =>
          (await describe(link.db(dbName), [collectionName]))?.get(collectionName)?.options
        ),
      collectionNames: () => link.run(() => collectionNames(link.db(dbName))),
      other: (name) => link.collection(dbName, name),
    });
  }

  /** The collection of the agents. */
  get #agents(): Collection {
    const { collection: { collectionName, dbName }, link } = this.#options;
    return link.collection(dbName, fleetCollection(collectionName));
  }
}

/** What a {@linkcode StoreForCommands} needs. */
export interface StoreForCommandsOptions extends StoreContext, DeadLetterOptions {
  readonly link: Link;
  readonly server: KnownServer;
  /** `FILTER`. */
  readonly filter: Filter<Document> | undefined;
  /** The name that a claim writes. */
  readonly owner: string;
}
