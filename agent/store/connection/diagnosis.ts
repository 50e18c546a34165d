import {
  MongoCompatibilityError,
  MongoServerError,
  MongoServerSelectionError,
  type ServerDescription,
  type TopologyDescription,
} from "mongodb";
import type { Facts, Told } from "./cause.ts";
import { CAUSES } from "./diagnosis_causes.ts";
import { isUnverified } from "./tls_causes.ts";
import type { Diagnosis } from "./unreachable.ts";

/** Sentences of different servers that are quoted, at most. */
const MAX_SENTENCES = 3;
/** Errors within errors that are looked at. */
const MAX_DEPTH = 5;

/**
 * Why the database cannot be reached or used, in words; undefined if the error has another meaning. If `isConnecting`,
 * the error comes from an attempt to connect: then each error has a diagnosis.
 */
export function diagnose(error: unknown, facts: Facts, isConnecting: boolean): Diagnosis | undefined {
  const selection = selectionErrorIn(error);
  if (selection) return ofTopology(selection.reason as TopologyDescription | undefined, selection, facts);
  const known = ofChain(error, facts, facts.hosts.join(","), isConnecting);
  if (known || !isConnecting) return known;
  return { text: `MongoDB at ${facts.hosts.join(",")} cannot be used: ${messageOf(error)}`, ...PASSING };
}

/** The servers, by host and port, whose certificates were not accepted: an error tells little of why. */
export function unverifiedServers(error: unknown, facts: Facts): readonly string[] {
  const topology = selectionErrorIn(error)?.reason as TopologyDescription | undefined;
  const servers = [...topology?.servers.values() ?? []].filter(({ error }) =>
    chainOf(error).some((each) => isUnverified(toldBy(each), facts))
  );
  return servers.slice(0, MAX_SENTENCES).map(({ address }) => address);
}

const PASSING = { isLasting: false, isRefusal: false };
const LASTING = { isLasting: true, isRefusal: false };

function selectionErrorIn(error: unknown): MongoServerSelectionError | undefined {
  return chainOf(error).find((each) => each instanceof MongoServerSelectionError);
}

/** What the driver has seen of each server, until it stopped looking for one that takes writes. */
function ofTopology(
  topology: TopologyDescription | undefined,
  error: MongoServerSelectionError,
  facts: Facts,
): Diagnosis {
  const servers = [...topology?.servers.values() ?? []];
  if (topology && !topology.compatible) {
    return { text: tooOld(facts, topology.compatibilityError ?? error.message), ...LASTING };
  }
  if (facts.replicaSet !== undefined && facts.seenSet !== undefined && facts.seenSet !== facts.replicaSet) {
    const seen = facts.seenSet === ""
      ? "no member of a replica set"
      : `a member of the set "${facts.seenSet}"`;
    return {
      text: `${facts.hosts.join(",")} is ${seen}, and MONGODB_URI asks for replicaSet=${facts.replicaSet}: ` +
        `${facts.seenSet === "" ? "take replicaSet out of it, or initiate the set" : "correct the name"}`,
      ...LASTING,
    };
  }
  const found = servers.map((server) => ofServer(server, facts)).filter((each) => each !== undefined);
  const sentences = [...new Set(found.map(({ text }) => text))];
  if (sentences.length === 0) return { text: notFound(servers, facts, error), ...PASSING };
  const more = sentences.length - MAX_SENTENCES;
  return {
    text: sentences.slice(0, MAX_SENTENCES).join("; ") + (more > 0 ? `; and ${more} more` : ""),
    // One server that may come back is worth waiting for.
    isLasting: found.length === servers.length && found.every(({ isLasting }) => isLasting),
    isRefusal: found.some(({ isRefusal }) => isRefusal),
  };
}

function ofServer({ address, error }: ServerDescription, facts: Facts): Diagnosis | undefined {
  if (!error) return undefined;
  return ofChain(error, facts, address, true) ??
    { text: `${address} cannot be used: ${messageOf(error)}`, ...PASSING };
}

function notFound(
  servers: readonly ServerDescription[],
  { hosts, replicaSet }: Facts,
  error: Error,
): string {
  const types = new Set(servers.map(({ type }) => type));
  const where = servers.map(({ address }) => address).join(",") || hosts.join(",");
  if (types.has("RSSecondary")) {
    return `The replica set${
      replicaSet ? ` "${replicaSet}"` : ""
    } has no primary now, only secondaries (${where}): ` +
      "wait for an election, and look at rs.status() if it does not end";
  }
  if (types.has("RSGhost")) {
    return `${where} is not a member of an initiated replica set: run rs.initiate() there, or remove replicaSet`;
  }
  if (types.has("RSArbiter") || types.has("RSOther")) {
    return `${where} holds no data or is starting: name the data-bearing members in MONGODB_URI`;
  }
  return `No MongoDB server at ${where} takes writes: ${error.message}`;
}

function tooOld({ hosts }: Facts, why: string): string {
  if (/load balanc/i.test(why)) {
    return `${
      hosts.join(",")
    } is not behind a load balancer of MongoDB's: take loadBalanced=true out of MONGODB_URI`;
  }
  return `The MongoDB server at ${hosts.join(",")} is too old or too new for this agent (${why}): upgrade it`;
}

/** The first known cause among an error and what it was caused by. */
function ofChain(
  error: unknown,
  facts: Facts,
  where: string,
  isConnecting: boolean,
): Diagnosis | undefined {
  for (const each of chainOf(error)) {
    if (each instanceof MongoCompatibilityError) return { text: tooOld(facts, each.message), ...LASTING };
    const told = toldBy(each);
    for (const { matches, say, isLasting = false, isRefusal = false, onlyConnecting = false } of CAUSES) {
      if (onlyConnecting && !isConnecting) continue;
      if (matches(told, facts)) return { text: say(told, where, facts), isLasting, isRefusal };
    }
  }
}

/** An error, its cause, and so on, the innermost first: it tells most. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && chain.length < MAX_DEPTH; each = each.cause) {
    chain.unshift(each);
    const [first] = each instanceof AggregateError ? each.errors : [];
    if (first instanceof Error) chain.unshift(first);
  }
  return chain;
}

function toldBy(error: Error): Told {
  const { code, hostname, path, syscall } = error as
    & Error
    & Partial<Record<"code" | "hostname" | "path" | "syscall", unknown>>;
  return {
    message: error.message,
    name: error.name,
    hostname: typeof hostname === "string" ? hostname : undefined,
    syscall: typeof syscall === "string" ? syscall : undefined,
    path: typeof path === "string" ? path : undefined,
    code: typeof code === "string" ? code : "",
    serverCode: error instanceof MongoServerError ? Number(code) : NaN,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n", 1)[0]! : String(error);
}
