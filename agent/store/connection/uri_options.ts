import zlib from "node:zlib";
import type { ConnectionString } from "mongodb-connection-string-url";

/** Options that need what this program does not have, and why. */
const OPTIONS: Record<string, string> = {
  proxyHost:
    "SOCKS proxies need a module that this program has not: reach MongoDB directly or by a TCP proxy",
  tlsCRLFile: "the TLS library of this program does not read revocation lists: remove the option",
};

/** Options that have no effect without TLS: the driver takes them, and sends all as it is. */
const OF_TLS = [
  ...["tlsCAFile", "tlsCertificateKeyFile", "tlsInsecure", "tlsAllowInvalidCertificates"],
  "tlsAllowInvalidHostnames",
];

/** What is known to be wrong with the options of a connection string, given what this program is made of. */
export function optionProblems(uri: ConnectionString): string[] {
  const problems: string[] = [];
  const unknown = compressorsOf(uri).filter((name) => !COMPRESSORS.includes(name));
  if (unknown.length > 0) {
    const known = COMPRESSORS.filter((name) => name !== "none").join(",");
    // A text that is not a compressor may be anything, and is not quoted.
    problems.push(
      unknown.some((name) => name.toLowerCase() === "snappy")
        ? `this program has no compressor snappy: take compressors=${known}, or none`
        : `compressors names one that does not exist: take compressors=${known}, in lower case, or none`,
    );
  }
  for (const [name, why] of Object.entries(OPTIONS)) {
    if (option(uri, name) !== undefined) problems.push(`${name} does not work in this program: ${why}`);
  }
  const needsTls = OF_TLS.find((name) => !["false", undefined].includes(option(uri, name)));
  const isUndecided = ["tls", "ssl"].every((name) => option(uri, name) === undefined) && !uri.isSRV;
  if (needsTls !== undefined && isUndecided) {
    problems.push(
      `${needsTls} does nothing without tls=true, and all would travel as it is: add tls=true, or tls=false if that is meant`,
    );
  }
  return problems;
}

/** The value of an option of a connection string; names may be in upper or lower case. */
export function option(uri: ConnectionString, name: string): string | undefined {
  return uri.searchParams.get(name) || undefined;
}

const COMPRESSORS = ["none", "zlib", ...(typeof zlib.zstdCompress === "function" ? ["zstd"] : [])];

function compressorsOf(uri: ConnectionString): string[] {
  return option(uri, "compressors")?.split(",") ?? [];
}
