import type { Document } from "mongodb";
import type { Link } from "../connection/link.ts";
import { isForbidden, isMongoError } from "../mongo_errors.ts";

/** What an agent's client tells the server of itself ends with this. */
const PLATFORM = /\|agent ([0-9a-f-]{36})$/;

/** The agents that the server has connections of. */
export interface ConnectedAgents {
  /** The last parts of the ids of their entries. */
  readonly ids: ReadonlySet<string>;
  /** Whether connections of all users, to each server that agents may be connected to, were looked at. */
  readonly areAll: boolean;
  /** Whether all of this user's were. */
  readonly areAllOfUser: boolean;
}

/** Asks the server which agents are connected to it. A process that is frozen keeps its connections; a killed one has none. */
export class AgentConnections {
  readonly #link: Pick<Link, "db" | "run" | "told">;
  /** To see those of other users takes the right `inprog`. */
  #maySeeAll = true;

  constructor(link: Pick<Link, "db" | "run" | "told">) {
    this.#link = link;
  }

  /** Undefined if the server does not tell. Throws what is not the server's answer. */
  async look(): Promise<ConnectedAgents | undefined> {
    try {
      if (this.#maySeeAll) return await this.#look(true);
    } catch (error) {
      if (!isMongoError(error)) throw error;
      if (isForbidden(error)) this.#maySeeAll = false;
    }
    try {
      return await this.#look(false);
    } catch (error) {
      if (!isMongoError(error)) throw error;
      return undefined;
    }
  }

  async #look(allUsers: boolean): Promise<ConnectedAgents> {
    const link = this.#link;
    // An agent may be connected to another router.
    const isRouter = link.told.hello?.msg === "isdbgrid";
    const found = await link.run(() =>
      link.db("admin").aggregate([
        { $currentOp: { allUsers, idleConnections: true, ...(isRouter && { localOps: true }) } },
        { $match: { "clientMetadata.platform": { $regex: PLATFORM.source } } },
        { $group: { _id: "$clientMetadata.platform" } },
      ], { maxTimeMS: 2000 }).toArray()
    );
    const ids = found.flatMap(({ _id }: Document) => PLATFORM.exec(String(_id))?.[1] ?? []);
    return { ids: new Set(ids), areAll: allUsers && !isRouter, areAllOfUser: !isRouter };
  }
}
