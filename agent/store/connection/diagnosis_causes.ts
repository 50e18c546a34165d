import { filesUsedUp } from "../../lib/used_up.ts";
import { both, type Cause, hasCode, hasServerCode } from "./cause.ts";
import { LOGIN_CAUSES } from "./login_causes.ts";
import { TLS_CAUSES } from "./tls_causes.ts";

/** Causes in the order in which they are looked for, the most specific first. */
export const CAUSES: readonly Cause[] = [
  ...LOGIN_CAUSES,
  {
    matches: both(hasServerCode(10107, 13435, 13436), (_, { isDirect }) => isDirect),
    say: (_, where) =>
      `directConnection=true binds the agent to ${where}, which is not a primary: ` +
      "remove it and name the set with replicaSet=NAME",
  },
  {
    matches: both(
      hasCode("ENOTFOUND", "ENODATA", "ESERVFAIL"),
      ({ syscall }) => /^query/.test(syscall ?? ""),
    ),
    say: ({ hostname }) =>
      `DNS has no record ${hostname}: check the name behind mongodb+srv://, and that it is one that has SRV records`,
  },
  {
    matches: ({ syscall }) => /^query/.test(syscall ?? ""),
    say: ({ hostname, code }) =>
      `DNS does not answer for ${hostname} (${code}): check the DNS server and the network of this machine or pod`,
  },
  {
    matches: hasCode("ENOTFOUND", "EAI_NONAME", "EAI_NODATA"),
    say: ({ hostname }, where) =>
      `There is no host ${
        hostname ?? where
      }: check its name in MONGODB_URI, with the namespace if it is another one`,
  },
  {
    matches: hasCode("EAI_AGAIN", "EAI_FAIL"),
    say: ({ hostname }, where) =>
      `DNS does not answer for ${hostname ?? where}: check the DNS of this machine or pod`,
  },
  {
    matches: hasCode("ECONNREFUSED"),
    say: (_, where) =>
      noFilesFor(where) ??
        `Nothing listens at ${where} (connection refused): check host and port in MONGODB_URI, and that MongoDB runs`,
  },
  {
    matches: hasCode("ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN"),
    say: ({ code }, where) =>
      `No way leads to ${where} (${code}): check the address, firewalls and network policies`,
  },
  {
    matches: hasCode("EACCES", "EPERM", "EISDIR", "ENOENT"),
    say: ({ message }) => `A file that MONGODB_URI names cannot be read: ${message}`,
    isLasting: true,
  },
  ...TLS_CAUSES,
  {
    matches: ({ name, message }) => name === "MongoNetworkTimeoutError" || / timed out$/.test(message),
    say: (_, where) =>
      `${where} does not answer in time: check the port, firewalls and network policies, and how busy the server is`,
    onlyConnecting: true,
  },
  {
    matches: ({ name }) => name === "MongoMissingDependencyError",
    say: ({ message }) => `An option of MONGODB_URI needs a module that this program has not: ${message}`,
    isLasting: true,
  },
];

/** That no connection can be opened for want of files, in a sentence; undefined if there are some. */
function noFilesFor(where: string): string | undefined {
  const mend = filesUsedUp();
  return mend && `No connection to ${where} can be opened: ${mend}`;
}
