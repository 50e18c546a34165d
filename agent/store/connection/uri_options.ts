import zlib from "node:zlib";
import type { ConnectionString } from "mongodb-connection-string-url";

/** Ways to log in that need a module which this program has not, and what to do instead. */
const MECHANISMS: Record<string, string> = {
  GSSAPI: "Kerberos needs a native module: log in with SCRAM or with a certificate (MONGODB-X509)",
  "MONGODB-AWS":
    "it needs the AWS SDK: log in with SCRAM, with a certificate (MONGODB-X509) or with MONGODB-OIDC and ENVIRONMENT:k8s",
};
/** Other options that need what this program has not, and why. */
const OPTIONS: Record<string, string> = {
  proxyHost:
    "SOCKS proxies need a module that this program has not: reach MongoDB directly or by a TCP proxy",
  tlsCRLFile: "the TLS library of this program does not read revocation lists: remove the option",
};

/** What is known to be wrong with the options of a connection string, given what this program is made of. */
export function optionProblems(uri: ConnectionString): string[] {
  const problems: string[] = [];
  const unknown = compressorsOf(uri).filter((name) => !COMPRESSORS.includes(name));
  if (unknown.length > 0) {
    const known = COMPRESSORS.filter((name) => name !== "none");
    problems.push(
      `this program has no compressor ${unknown.join(", ")}: take compressors=${known.join(",")}, or none`,
    );
  }
  const mechanism = option(uri, "authMechanism")?.toUpperCase();
  const mend = mechanism === undefined ? undefined : MECHANISMS[mechanism];
  if (mend !== undefined) problems.push(`authMechanism=${mechanism} does not work in this program: ${mend}`);
  for (const [name, why] of Object.entries(OPTIONS)) {
    if (option(uri, name) !== undefined) problems.push(`${name} does not work in this program: ${why}`);
  }
  return problems;
}

/** The value of an option of a connection string; names may be in upper or lower case. */
export function option(uri: ConnectionString, name: string): string | undefined {
  return uri.searchParams.get(name) || undefined;
}

const COMPRESSORS = ["none", "zlib", ...(typeof zlib.zstdCompress === "function" ? ["zstd"] : [])];

function compressorsOf(uri: ConnectionString): string[] {
  const given = option(uri, "compressors")?.split(",").map((name) => name.trim().toLowerCase()) ?? [];
  // What is no compressor at all may be anything, and is the driver's to refuse.
  return given.filter((name) => ["none", "zlib", "zstd", "snappy"].includes(name));
}
