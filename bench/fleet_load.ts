/** What a fleet of agents asks of a server. */

/** Agents on one collection, and what they do. */
export interface Fleet {
  readonly agents: number;
  /** `POLL_INTERVAL`, in seconds. */
  readonly pollSeconds: number;
  /** Documents that a claim brings on average: `BATCH_SIZE` at most. */
  readonly batch: number;
  /** Of the whole fleet. */
  readonly documentsPerSecond: number;
}

/** What a server has to do for them. */
export interface FleetLoad {
  /** Commands of the primary in a second, without the heartbeats. */
  readonly commandsPerSecond: number;
  /** Heartbeats of each member in a second. */
  readonly heartbeatsPerSecond: number;
  /** Connections of the primary. */
  readonly connections: number;
}

/** Reads of a claim that finds nothing, or that looks for the rare kinds: three kinds of documents, two of suspects. */
const READS_OF_A_LOOK = 5;
/** A look at the collection itself, with each poll. */
const LOOKS_AT_SOURCE = 1;
/** The change stream is asked so often, in seconds. */
const STREAM_SECONDS = 5;
/** Each of two connections asks a member so often, in seconds: for its state, and for the round trip. */
const HEARTBEAT_SECONDS = 10;
/** Read, claim, ack. */
const COMMANDS_OF_A_BATCH = 3;
/** An agent that is never idle looks for the rare kinds so often, in seconds. */
const BUSY_LOOK_SECONDS = 1;
/** Two that watch the server, one of the change stream, and those of claims, acks and renewals. */
const CONNECTIONS = 6;

/** Reckons the load, as an upper bound: agents look, and each batch of documents costs its commands besides. */
export function fleetLoad({ agents, batch, documentsPerSecond, pollSeconds }: Fleet): FleetLoad {
  const batches = documentsPerSecond / batch;
  const looks = Math.max(agents / pollSeconds, Math.min(batches, agents / BUSY_LOOK_SECONDS));
  return {
    commandsPerSecond: looks * (READS_OF_A_LOOK + LOOKS_AT_SOURCE) + agents / STREAM_SECONDS +
      batches * COMMANDS_OF_A_BATCH,
    heartbeatsPerSecond: 2 * agents / HEARTBEAT_SECONDS,
    connections: CONNECTIONS * agents,
  };
}
