import { MongoClient, type MongoClientOptions, type ServerHeartbeatSucceededEvent } from "mongodb";
import config from "../../../deno.json" with { type: "json" };
import { cutToBytes } from "../../text/utf8.ts";
import { OWN_BSON, OWN_BSON_NAMES } from "../documents/own_bson.ts";
import type { ServerClock } from "./server_clock.ts";
import { timeLimits } from "./operation_timeout.ts";
import { releaseSocketTimers } from "./socket_timers.ts";
import { holderOf, type UriSetting } from "./uri.ts";

/**
 * Claims, acks, nacks, releases, snoozes and renewals take at most a few connections each, dead letters and the verdicts
 * of earlier holders sixteen each, and the change streams one each: about sixty are ever opened. But if the driver never
 * answers an operation, that operation keeps its connection to the end of the process.
 */
const POOL_SIZE = 200;

/**
 * An option that the driver takes but does not publish. By default the driver checks ten times a second that its pool
 * holds the minimum number of connections, which is 0 here: that is a third of what an idle agent costs.
 */
const POOL_CHECK = { minPoolSizeCheckFrequencyMS: 5000 };

/** Options of the URI that the claim protocol does not survive, and what they are set to instead. */
const OVERRIDDEN = {
  w: { value: "majority", why: "a claim or an ack that a failover rolls back is repeated or lost" },
  journal: { value: "true", why: "an acknowledged write must survive a crash" },
  readPreference: { value: "primary", why: "a secondary shows documents that are claimed already" },
} as const;

/**
 * All that a URI may say about reads and writes: the driver would prefer some of it, and refuses combinations of it.
 */
const STRIPPED = new Set([
  ...["w", "journal", "j", "wtimeout", "wtimeoutms", "timeoutms"],
  ...["readpreference", "readpreferencetags", "maxstalenessseconds", "readconcernlevel"],
  ...OWN_BSON_NAMES,
]);

/** A client that is set up as the claim protocol needs it. */
export interface Connection {
  readonly client: MongoClient;
  /** An operation without an answer after this long is given up, in milliseconds: it may never be applied, or later. */
  readonly answerLimitMs: number;
  /** One sentence for each option of the URI that was overridden. */
  readonly warnings: readonly string[];
}

/** How a {@linkcode Connection} is set up, for any URI. */
export interface ConnectionOptions {
  agentName: string;
  leaseMs: number;
  /** Called with the server's time by its heartbeats. */
  serverClock: ServerClock;
  /** The setting that the URI comes from, for the warnings. */
  uriSetting?: UriSetting;
  /** A UUID of the process, if it is an agent: by it the connections of an agent that is frozen are found. */
  instance?: string;
  /** The server has no retryable writes: the URI may ask for them in vain. */
  isWithoutRetries?: boolean;
}

/**
 * Makes a client for `uri`, which is not connected yet: see `EagerClient`.
 *
 * @throws {MongoParseError} If the URI is not valid.
 */
export function connect(
  uri: string,
  { agentName, instance, isWithoutRetries = false, leaseMs, serverClock, uriSetting }: ConnectionOptions,
): Connection {
  releaseSocketTimers();
  const { selectionMs, connectMs, socketMs, majorityMs, answerMs } = timeLimits(leaseMs);
  const options: MongoClientOptions = {
    writeConcern: { w: "majority", journal: true, wtimeoutMS: majorityMs },
    readPreference: "primary",
    readConcernLevel: "local",
    retryWrites: !isWithoutRetries && retriesOf(uri),
    serverSelectionTimeoutMS: selectionMs,
    connectTimeoutMS: connectMs,
    socketTimeoutMS: socketMs,
    waitQueueTimeoutMS: selectionMs,
    maxPoolSize: POOL_SIZE,
    ...OWN_BSON,
    appName: appNameOf(uri, agentName),
    ...(instance !== undefined && { driverInfo: driverInfoOf(instance) }),
  };
  const client = new MongoClient(stripped(uri), options);
  Object.assign(client.options, POOL_CHECK);
  // The driver's monitor asks the primary for its time anyway: to follow its clock costs the agent no round trip.
  client.on("serverHeartbeatSucceeded", ({ reply, connectionId }: ServerHeartbeatSucceededEvent) => {
    if (reply.isWritablePrimary) serverClock.observe(reply.localTime, connectionId);
  });
  return {
    client,
    answerLimitMs: answerMs,
    warnings: overrides(uri, uriSetting),
  };
}

function retriesOf(uri: string): boolean {
  return !/[?&]retryWrites=false/i.test(uri);
}

/** A server refuses every connection with a longer name, in bytes. The driver would cut within letters. */
const MAX_APP_NAME_BYTES = 128;

/** The name under which the server lists this agent's connections. */
function appNameOf(uri: string, agentName: string): string {
  const given = parameter(uri, "appName");
  const name = given && new URLSearchParams(`name=${given}`).get("name");
  return cutToBytes(name || `pulling-agent/${agentName}`, MAX_APP_NAME_BYTES);
}

/** What the server shows of a connection besides: an `appName` may be the user's, and is the same for all agents. */
function driverInfoOf(instance: string) {
  return { name: "pulling-agent", version: config.version, platform: `agent ${instance}` };
}

function overrides(uri: string, setting: UriSetting = "MONGODB_URI"): string[] {
  const where = holderOf(setting);
  const found: string[] = [];
  for (const [name, { value, why }] of Object.entries(OVERRIDDEN)) {
    const given = parameter(uri, name);
    if (given === undefined || given.toLowerCase() === value) continue;
    found.push(`${where} asks for ${name}=${given}, which is overridden with ${value}: ${why}`);
  }
  for (const name of Object.keys(OWN_BSON)) {
    if (!hasParameter(uri, name)) continue;
    found.push(
      `${where} asks for ${name}, which is ignored: the agent reads and writes BSON in one way only`,
    );
  }
  const timeoutMs = parameter(uri, "timeoutMS");
  if (timeoutMs !== undefined) {
    found.push(
      `${where} asks for timeoutMS=${timeoutMs}, which is ignored: the agent has time limits of its own`,
    );
  }
  return found;
}

/** The URI without the options that are overridden. */
function stripped(uri: string): string {
  const [address, query] = uri.split(/\?(.*)/s);
  if (query === undefined) return uri;
  const kept = query.split("&").filter((each) => !STRIPPED.has(each.split("=", 1)[0]!.toLowerCase()));
  return `${address}?${kept.join("&")}`;
}

function parameter(uri: string, name: string): string | undefined {
  return new RegExp(`[?&]${name}=([^&]*)`, "i").exec(uri)?.[1];
}

function hasParameter(uri: string, name: string): boolean {
  return parameter(uri, name) !== undefined;
}
