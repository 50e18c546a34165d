import type { MongoClient, ServerHeartbeatSucceededEvent } from "mongodb";
import { msOf } from "../connection/server_clock.ts";

/** What a server of the deployment has told in its last heartbeat, which needs no right. */
export interface Heartbeat {
  /** Host and port. */
  readonly address: string;
  readonly isPrimary: boolean;
  /** It may become the primary: it is no arbiter, and has a priority. */
  readonly isElectable: boolean;
  /** The replica set that it is a member of; undefined for none. */
  readonly setName: string | undefined;
  /** It passes commands on to the shards of a cluster. */
  readonly isRouter: boolean;
  /** How far its clock is ahead of this machine's, in milliseconds, give or take a round trip. */
  readonly aheadMs: number;
}

/** Listens to the heartbeats of all servers of a deployment, beginning with the first connection. */
export class Heartbeats {
  readonly #last = new Map<string, Heartbeat>();
  readonly #now: () => Date;
  #members: readonly string[] = [];
  #onNews: () => void = () => {};

  /** @param now the clock of this machine */
  constructor(client: MongoClient, now: () => Date) {
    this.#now = now;
    client.on("serverHeartbeatSucceeded", (event) => this.#observe(event));
    client.on("topologyDescriptionChanged", ({ newDescription }) => {
      const alive = [...newDescription.servers.values()].filter(({ type }) => type !== "Unknown");
      this.#members = alive.map(({ address }) => address);
      this.#onNews();
    });
  }

  /** The servers that are alive, by host and port. */
  get members(): readonly string[] {
    return this.#members;
  }

  /** The last heartbeat of each server. */
  get all(): readonly Heartbeat[] {
    return [...this.#last.values()];
  }

  /** Resolves once every server that answers has told its time. */
  async complete(): Promise<void> {
    while (!this.#members.every((address) => this.#last.has(address))) {
      await new Promise<void>((resolve) => this.#onNews = resolve);
    }
  }

  #observe({ awaited, connectionId, duration, reply }: ServerHeartbeatSucceededEvent): void {
    const localMs = msOf(reply.localTime);
    if (localMs === undefined) return;
    // An awaited answer is sent as soon as something changes: only its way back takes time.
    const sinceMs = awaited ? 0 : duration / 2;
    this.#last.set(connectionId, {
      address: connectionId,
      isPrimary: Boolean(reply.isWritablePrimary ?? reply.ismaster),
      isElectable: !(reply.arbiterOnly || reply.passive || reply.hidden),
      setName: typeof reply.setName === "string" ? reply.setName : undefined,
      isRouter: reply.msg === "isdbgrid",
      aheadMs: localMs - (this.#now().getTime() - sinceMs),
    });
    this.#onNews();
  }
}
