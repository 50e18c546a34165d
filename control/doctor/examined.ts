import type { Document, Filter } from "mongodb";
import type { Settings } from "../../agent/settings/settings.ts";
import type { CertificateFile } from "../../agent/store/connection/tls_files.ts";
import type { DatabaseFacts } from "../../agent/store/doctor/database_facts.ts";
import type { Unseen } from "../../agent/store/doctor/unseen.ts";
import type { ControlFacts, HealthFacts } from "./here.ts";
import type { PodFacts } from "./pod_facts.ts";

/** All that the concerns judge: what the doctor has asked the machine and the database. */
export interface Examined {
  readonly settings: Settings;
  /** The query in `FILTER`. */
  readonly filter: Filter<Document> | undefined;
  /** What is odd about the settings, a sentence each. */
  readonly warnings: readonly string[];
  /** Options of the connection string that are overridden, a sentence each. */
  readonly uriWarnings: readonly string[];
  /** Why the processor cannot be loaded; undefined if it can. */
  readonly processorProblem: string | undefined;
  /** What the objects of JavaScript may take at most, in MiB. */
  readonly heapLimitMiB: number;
  readonly health: HealthFacts;
  readonly control: ControlFacts;
  readonly certificates: readonly CertificateFile[];
  /** The time of this machine. */
  readonly now: Date;
  /** Undefined if the operator has given no manifest. */
  readonly pod: PodFacts | undefined;
  readonly database: DatabaseFacts | OutOfReach;
}

/** A database that cannot be used, and why. */
export interface OutOfReach {
  /** One sentence. */
  readonly problem: string;
  /** The replica set that a server has said to be a member of; empty for none, undefined if none has answered. */
  readonly seenSet: string | undefined;
}

/** Whether the database answers. */
export function isDatabase(database: DatabaseFacts | OutOfReach): database is DatabaseFacts {
  return "names" in database;
}

/** A fact, if it could be looked at. */
export function ifSeen<T>(fact: T | Unseen): T | undefined {
  return isUnseen(fact) ? undefined : fact;
}

function isUnseen(fact: unknown): fact is Unseen {
  return typeof fact === "object" && fact !== null && "isFilterRefused" in fact;
}
