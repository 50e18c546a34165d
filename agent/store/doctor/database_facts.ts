import type { Document } from "mongodb";
import type { ServerCertificate } from "../connection/server_certificate.ts";
import type { Ability } from "../server/abilities.ts";
import type { ServerKind } from "../server/server_kind.ts";
import type { SourceNames } from "../source.ts";
import type { Heartbeat } from "./heartbeats.ts";
import type { Plan } from "./plans.ts";
import type { RefusedWrite, Sizes } from "./sampled.ts";
import type { ShardKeys } from "./shard_keys.ts";
import type { FleetFacts } from "./fleet_facts.ts";
import type { Unseen } from "./unseen.ts";
import type { UserRights } from "./user_rights.ts";

/** The problem with the collections' names, as the agent reports it. */
export interface SourceProblem {
  readonly text: string;
  /** What exists under a similar name, by the setting that names it. */
  readonly near: { readonly variable: string; readonly value: string } | undefined;
}

/** What a server is, and what it lacks. */
export interface ServerFacts {
  readonly kind: ServerKind | undefined;
  readonly lacking: readonly Ability[];
  /** It has change streams, and they are off for the collection. */
  readonly streamsOff: boolean;
  /** The connection string asks for no retryable writes. */
  readonly isWithoutRetries: boolean;
}

/** All that the doctor asks a database. What it could not look at is {@linkcode Unseen}. */
export interface DatabaseFacts {
  readonly names: SourceNames;
  /** The version of the server, such as `7.0.14`. */
  readonly version: string | Unseen;
  /** The certificates that servers show, by host and port; none without TLS, or if the runtime does not show them. */
  readonly certificates: ReadonlyMap<string, ServerCertificate>;
  readonly server: ServerFacts | Unseen;
  readonly isStandalone: boolean;
  /** Every server that answers. */
  readonly heartbeats: readonly Heartbeat[];
  /** Why no majority of the set can acknowledge writes now; undefined if one can. */
  readonly withoutMajority: string | undefined;
  /** Undefined if the server asks for no login. */
  readonly user: UserRights | Unseen | undefined;
  /** Why the agent could not pull from the collection; undefined if it can. */
  readonly sourceProblem: SourceProblem | Unseen | undefined;
  /** What is odd about the collections, but no obstacle, in a sentence. */
  readonly sourceWarning: string | undefined;
  /** How the server describes the collection and that of the letters; undefined for one that does not exist. */
  readonly source: Document | Unseen | undefined;
  readonly letters: Document | Unseen | undefined;
  /** Empty for a collection that does not exist. */
  readonly indexes: readonly Document[] | Unseen;
  readonly letterIndexes: readonly Document[] | Unseen;
  /** The names of TTL indexes by which documents are removed that wait or are being processed. */
  readonly ttlOfWaiting: readonly string[] | Unseen;
  readonly plans: readonly Plan[] | Unseen;
  /** Undefined if the servers are no sharded cluster. */
  readonly shards: ShardKeys | Unseen | undefined;
  readonly fleet: FleetFacts | Unseen;
  readonly sizes: Sizes | Unseen;
  /** The agent's writes that the validator of the collection refuses. */
  readonly refusedWrites: readonly RefusedWrite[] | Unseen;
}
