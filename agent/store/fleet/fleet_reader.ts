import type { Collection } from "mongodb";
import type { AgentWithoutStatus, FleetLook, Presence } from "../../fleet/fleet_view.ts";
import { UnusableControl } from "../../fleet/unusable_control.ts";
import { msOf } from "../connection/server_clock.ts";
import type { StoreContext } from "../store_context.ts";
import type { AgentConnections, ConnectedAgents } from "./agent_connections.ts";
import { CONTROL_ID, controlIn, MARK } from "./control_document.ts";
import { backlogId, type CountedWork } from "./backlog_id.ts";
import { type Entry, entryIn, GONE_MS, SLACK_MS } from "./entry.ts";
import { countsIn } from "./fleet_backlog.ts";

/** Agents beat each ten seconds: one that has not for so long, in milliseconds, is looked at more closely. */
const LATE_MS = 15_000;
/** Agents that are read, at most: the newest. Each entry has some kilobytes. */
const MOST = 5000;

/**
 * Reads the registry of a fleet: who is there, what each agent reports, and what the operators want of all of them. The
 * server's clock judges. That is one query; only if an agent is late, the server is asked for its connections as well.
 */
export class FleetReader {
  readonly #options: FleetReaderOptions;
  readonly #backlogId: string;

  constructor(options: FleetReaderOptions) {
    this.#options = options;
    this.#backlogId = backlogId(options);
  }

  /**
   * Looks once. Throws what the driver throws. A collection that does not exist is a fleet without agents.
   *
   * @param isBrief leaves the histories out
   */
  async look({ isBrief = false }: { isBrief?: boolean } = {}): Promise<FleetLook> {
    const { collection, maxTimeMS, server, serverClock } = this.#options;
    const known = serverClock.now();
    const documents = await collection.aggregate([
      {
        $match: {
          ...MARK,
          $or: [{ _id: CONTROL_ID as never }, { seen_at: { $gt: new Date(known.getTime() - SLACK_MS) } }],
        },
      },
      { $sort: { _id: -1 } },
      { $limit: MOST },
      ...(isBrief ? [{ $project: { history: 0, counts: 0 } }] : []),
      { $addFields: { now: server.time } },
    ], { maxTimeMS }).toArray();
    const nowMs = msOf(documents[0]?.now) ?? known.getTime();
    const document = documents.find(({ _id }) => _id === CONTROL_ID);
    const control = document && controlIn(document);
    const backlog = documents.find(({ _id }) => _id === this.#backlogId);
    const isUsable = !(control instanceof UnusableControl);
    const entries = documents.flatMap((document) => entryIn(document, nowMs) ?? [])
      .filter(({ seen }) => seen.silentMs < GONE_MS).reverse();
    return {
      at: new Date(nowMs),
      control: isUsable ? control : undefined,
      controlProblem: isUsable ? undefined : control.problem,
      ...await this.#judged(entries),
      backlog: countsIn(backlog ?? {}, nowMs),
    };
  }

  async #judged(entries: readonly Entry[]): Promise<Pick<FleetLook, "agents" | "withoutStatus">> {
    const isAnyLate = entries.some((entry) => entry.status && isLate(entry));
    const connected = isAnyLate ? await this.#options.connections.look() : undefined;
    const judge = new Judge(entries, connected);
    const seen = (entry: Entry): AgentWithoutStatus => ({ ...entry.seen, presence: judge.presence(entry) });
    return {
      agents: entries.flatMap((entry) => entry.status ? [{ ...seen(entry), ...entry.status }] : []),
      withoutStatus: entries.filter(({ status }) => status === undefined).map(seen),
    };
  }
}

/** Judges whether agents are alive, by their last beats and by the connections that the server has. */
class Judge {
  readonly #connected: ConnectedAgents | undefined;
  /** Whether an agent without a connection is gone. */
  readonly #isProof: boolean;
  /** When the last agent of a name has started. */
  readonly #newest = new Map<string, number>();

  constructor(entries: readonly Entry[], connected: ConnectedAgents | undefined) {
    this.#connected = connected;
    for (const { seen: { name }, status } of entries) {
      if (status) this.#newest.set(name, Math.max(this.#newest.get(name) ?? 0, status.startedAt.getTime()));
    }
    // Agents may have another user than the one who asks: this one sees agents only if one that is alive is among them.
    this.#isProof = connected !== undefined && (connected.areAll || (connected.areAllOfUser &&
      entries.some((entry) => !isLate(entry) && connected.ids.has(connectionOf(entry)))));
  }

  presence(entry: Entry): Presence {
    const { livesMs, seen, status } = entry;
    const isAlive = seen.silentMs < livesMs;
    if (status === undefined) return isAlive ? "alive" : "silent";
    if (!isLate(entry) && isAlive) return "alive";
    const hasConnection = this.#connected?.ids.has(connectionOf(entry)) ?? false;
    const isReplaced = this.#newest.get(seen.name)! > seen.seenAt.getTime();
    if (!hasConnection && (isReplaced || this.#isProof)) return "dead";
    if (isAlive) return "alive";
    return hasConnection ? "frozen" : "silent";
  }
}

/** Of one that was seen at a time to come, only its connection tells whether it is there. */
function isLate({ isAhead, seen: { silentMs } }: Entry): boolean {
  return isAhead || silentMs > LATE_MS;
}

/** What the agent's client is called: see {@linkcode AgentConnections}. */
function connectionOf({ seen: { id } }: Entry): string {
  return id.slice(id.lastIndexOf(" ") + 1);
}

/** What a {@linkcode FleetReader} needs. */
export interface FleetReaderOptions
  extends CountedWork, Pick<StoreContext, "maxTimeMS" | "server" | "serverClock"> {
  /** That of the registry. */
  readonly collection: Collection;
  readonly connections: AgentConnections;
}
