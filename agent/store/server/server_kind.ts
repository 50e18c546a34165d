import type { Document } from "mongodb";

/** Which server answers: MongoDB, or one that is compatible with it. */
export interface ServerKind {
  readonly product: "MongoDB" | "Amazon DocumentDB" | "Azure DocumentDB" | "DocumentDB" | "FerretDB";
  /** Such as `7.0.14`; undefined if the server does not tell. */
  readonly version: string | undefined;
}

/** What a server tells of itself, without a right. */
export interface SelfDescription {
  /** Its answer to `hello`, from the last heartbeat of a server that takes writes. */
  readonly hello: Document | undefined;
  /** Its answer to `buildInfo`; undefined if it has none. */
  readonly buildInfo: Document | undefined;
}

/** Tells servers apart by what only they say. */
export function serverKind({ buildInfo = {}, hello = {} }: SelfDescription): ServerKind {
  const version = typeof buildInfo.version === "string" ? buildInfo.version : undefined;
  const { ferretdb, ferretdbVersion } = buildInfo;
  const ferret = ferretdb?.version ?? ferretdbVersion;
  if (ferret !== undefined) return { product: "FerretDB", version: String(ferret).replace(/^v/, "") };
  if (hello.internal?.documentdb_versions !== undefined) return { product: "Azure DocumentDB", version };
  if (hello.internal !== undefined || isNumber(hello.localTime)) return { product: "DocumentDB", version };
  // Amazon's engines have no patch level, and tell nothing of how they were built.
  if (buildInfo.gitVersion === undefined && version?.endsWith(".0.0")) {
    return { product: "Amazon DocumentDB", version };
  }
  return { product: "MongoDB", version };
}

/** A server in words, such as `Amazon DocumentDB 5.0.0`. */
export function kindText({ product, version }: ServerKind): string {
  return version === undefined ? product : `${product} ${version}`;
}

/** Whether an answer to `hello` is one of MongoDB itself, 4.4 or later: no compatible server counts its topologies. */
export function isMongoDb(hello: Document | undefined): boolean {
  return hello?.topologyVersion !== undefined;
}

/** Whether the time of a server is no date. */
export function isNumber(time: unknown): boolean {
  return time !== undefined && time !== null && !(time instanceof Date);
}
