import { filesUsedUp } from "../../lib/used_up.ts";
import { asksForLogin } from "./login_missing.ts";

/** What a connection string asks for, and what the servers have reported about themselves. */
export interface Facts {
  /** As the connection string names them. */
  readonly hosts: readonly string[];
  readonly isTls: boolean;
  readonly isDirect: boolean;
  readonly hasCredentials: boolean;
  /** The database that the user is looked up in. */
  readonly authSource: string;
  readonly replicaSet: string | undefined;
  /** The replica set that a server belongs to; empty for none, undefined as long as no server has answered. */
  readonly seenSet: string | undefined;
}

/** The contents of one error. */
export interface Told {
  readonly message: string;
  readonly name: string;
  /** The name that was looked up. */
  readonly hostname: string | undefined;
  readonly syscall: string | undefined;
  /** A code of the operating system's. */
  readonly code: string;
  /** A code of the server's; NaN for errors that are not. */
  readonly serverCode: number;
}

/** A known cause of failure. */
export interface Cause {
  matches(told: Told, facts: Facts): boolean;
  /** One sentence: what it is, which server, and what to look at. */
  say(told: Told, where: string, facts: Facts): string;
  /** It does not pass by itself. */
  isLasting?: boolean;
  /** The server does not let this connection in. */
  isRefusal?: boolean;
  /** Counts only for an attempt to connect: an established connection may end in the same way for other reasons. */
  onlyConnecting?: boolean;
}

const says = (pattern: RegExp) => ({ message }: Told) => pattern.test(message);
const hasCode = (...codes: string[]) => ({ code }: Told) => codes.includes(code);
const hasServerCode = (...codes: number[]) => ({ serverCode }: Told) => codes.includes(serverCode);
const both = (...tests: Cause["matches"][]): Cause["matches"] => (told, facts) =>
  tests.every((test) => test(told, facts));
const either = (...tests: Cause["matches"][]): Cause["matches"] => (told, facts) =>
  tests.some((test) => test(told, facts));
const withTls = (_: Told, { isTls }: Facts) => isTls;
const withoutTls = (_: Told, { isTls }: Facts) => !isTls;

/** Atlas has one code for all that it refuses, including a full disk and a missing right: the text tells the reason. */
const ATLAS_REFUSAL = /bad auth|auth(entication)? (error|failed)/i;

/** Causes in the order in which they are looked for, the most specific first. */
export const CAUSES: readonly Cause[] = [
  {
    matches: both(hasServerCode(13), ({ message }) => asksForLogin(message)),
    say: (_, where, { hasCredentials }) =>
      hasCredentials
        ? `The user that this agent had logged in as at ${where} is gone, or was made anew`
        : `MongoDB at ${where} asks for a user and a password, and MONGODB_URI holds none: ` +
          "write USER:PASSWORD@ in front of the host",
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: either(hasServerCode(18, 11, 391), both(hasServerCode(8000), says(ATLAS_REFUSAL))),
    say: (_, where, { authSource }) =>
      `MongoDB at ${where} refuses the user or the password in MONGODB_URI: check both, and authSource, ` +
      `the database that the user was made in (now ${authSource})`,
    isLasting: true,
    isRefusal: true,
  },
  {
    matches: hasServerCode(334),
    say: (_, where) =>
      `MongoDB at ${where} does not take this authMechanism: take it out of MONGODB_URI, or have the server allow it`,
    isLasting: true,
    isRefusal: true,
  },
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
  {
    matches: says(/not valid for name/i),
    say: ({ message }, where) =>
      `The certificate of ${where} is for another name (${namesIn(message)}): ` +
      "name the host in MONGODB_URI as the certificate does",
    isLasting: true,
  },
  {
    matches: says(/peer certificate: (Expired|NotValidYet|certificate (expired|not valid yet))/i),
    say: (_, where) => `The certificate of ${where} is not valid today: renew it, or set the clock right`,
    isLasting: true,
  },
  {
    matches: says(/UnknownIssuer|CaUsedAsEndEntity|self.signed|BadSignature|peer certificate/i),
    say: ({ message }, where) =>
      `The certificate of ${where} was not issued by an authority that this agent trusts ` +
      `(${message.replace(/^.*peer certificate: /, "")}): give the right one with tlsCAFile`,
    isLasting: true,
  },
  {
    matches: says(/(No certificates|No keys) found in|Unable to decode certificate/),
    say: ({ message }) =>
      `The file of tlsCertificateKeyFile cannot be used (${message}): it holds a certificate and its key, ` +
      "unencrypted, both as PEM",
    isLasting: true,
  },
  {
    matches: both(withTls, says(/fatal alert|handshake failure|certificate required/i)),
    say: ({ message }, where) =>
      `${where} ends the TLS handshake (${message}): it may ask for a client certificate (tlsCertificateKeyFile)`,
    isLasting: true,
    onlyConnecting: true,
  },
  {
    matches: both(withTls, says(/close_notify/)),
    say: (_, where) =>
      `${where} closes the connection right after the TLS handshake: it may ask for a client certificate ` +
      "(tlsCertificateKeyFile)",
    onlyConnecting: true,
  },
  {
    matches: both(withTls, says(/corrupt message|end of file|InvalidContentType|wrong version|closed/i)),
    say: (_, where) =>
      `${where} does not answer in TLS: it may be a server without it (then remove tls=true), or no MongoDB server`,
    isLasting: true,
    onlyConnecting: true,
  },
  {
    matches: both(withoutTls, says(/ closed$|ECONNRESET|EPIPE|Invalid message/)),
    say: (_, where) =>
      `${where} closes the connection before it has answered: it may ask for TLS (add tls=true), or be no MongoDB server`,
    onlyConnecting: true,
  },
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

/** The names that a certificate is valid for, from the text of the TLS library. */
function namesIn(message: string): string {
  const names = [...message.matchAll(/(?:DnsName|IpAddress)\("?([^")]+)"?\)/g)].map(([, name]) => name);
  return names.length > 0 ? names.slice(0, 5).join(", ") : "its names are not told";
}
