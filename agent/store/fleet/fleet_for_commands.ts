import type { Collection } from "mongodb";
import { CommandError } from "../../errors.ts";
import { isForbidden } from "../mongo_errors.ts";
import { CLAIM_INDEX } from "../queries.ts";
import { ActionsLog } from "./actions_log.ts";
import { ControlDocument, type ControlRequest } from "./control_document.ts";
import { refuseRegistryOfOthers, RegistryOfOthersError } from "./registry_of_others.ts";
import { FleetReader, type FleetReaderOptions } from "./fleet_reader.ts";

/** Leases that are looked at for their holders, at most. */
const LEASES = 2000;

/** The fleet of a collection, for the commands of operators. */
export class FleetForCommands {
  /** The collection of the registry, with its database. */
  readonly name: string;
  readonly reader: FleetReader;
  /** What operators did. */
  readonly actions: ActionsLog;
  readonly #control: ControlDocument;
  readonly #options: FleetForCommandsOptions;

  constructor(options: FleetForCommandsOptions) {
    this.name = options.name;
    this.reader = new FleetReader(options);
    const { collection, maxTimeMS, name, serverClock } = options;
    this.actions = new ActionsLog({ collection, maxTimeMS, name, now: () => serverClock.now() });
    this.#control = new ControlDocument(collection);
    this.#options = options;
  }

  /**
   * Asks all agents for a state; returns the id of the request, which those that have acted on it show. Throws what the
   * driver throws.
   *
   * @throws {UsageError} If a text is too long or says nothing.
   * @throws {CommandError} If the user may not write it, or if the collection is not the agents'.
   */
  async ask(request: ControlRequest): Promise<string> {
    await this.#refuseOthers();
    return await this.allowed("write", () => this.#control.set(request));
  }

  async #refuseOthers(): Promise<void> {
    try {
      await this.allowed("read", () => refuseRegistryOfOthers(this.#options));
    } catch (error) {
      if (!(error instanceof RegistryOfOthersError)) throw error;
      throw new CommandError(
        `${error.message}. The agents of this collection are no fleet: tell each by its control file or by a signal`,
        { cause: error },
      );
    }
  }

  /**
   * The names of agents that hold documents, as far as the first leases tell: also of those that are not in the registry.
   * Throws what the driver throws.
   */
  async holders(): Promise<readonly string[]> {
    const { documents, serverClock } = this.#options;
    const found = await documents.aggregate([
      {
        $match: {
          status: "processing",
          "_pull.visible_at": { $gt: serverClock.now() },
          "_pull.token": { $type: "string" },
        },
      },
      { $limit: LEASES },
      { $group: { _id: "$_pull.owner" } },
      // Without the index it fails: the server would read the whole collection.
    ], { hint: CLAIM_INDEX, maxTimeMS: 2000 }).toArray();
    return found.flatMap(({ _id }) => typeof _id === "string" ? [_id] : []);
  }

  /**
   * Does something with the registry. Throws what it throws.
   *
   * @throws {CommandError} If the user lacks the right to it.
   */
  async allowed<T>(how: "read" | "write", act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!isForbidden(error)) throw error;
      const rights = how === "read" ? "find" : "find, insert and update";
      throw new CommandError(
        `The user may not ${how} the registry of the agents: grant it ${rights} on ${this.name}`,
        { cause: error },
      );
    }
  }
}

/** What a {@linkcode FleetForCommands} needs. */
export interface FleetForCommandsOptions extends FleetReaderOptions {
  readonly name: string;
  /** The collection that the agents pull from. */
  readonly documents: Collection;
}
