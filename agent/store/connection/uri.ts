import { MongoClient } from "mongodb";
import { ConnectionString } from "mongodb-connection-string-url";
import { errorText } from "../../errors.ts";
import { secrets } from "../../text/redact.ts";
import { muteDriverWarnings } from "./driver_warnings.ts";
import { isPlaceholder, loginProblem } from "./uri_login.ts";
import { option, optionProblems } from "./uri_options.ts";
import {
  type CertificateFile,
  certificatesOf,
  hasTlsFiles,
  tlsFileProblems,
  tlsFilesDigest,
} from "./tls_files.ts";

/** What has a meaning of its own in a connection string, and how it is written in a name or a password. */
const ENCODE = "write each : / ? # [ ] @ and % of the user and the password as " +
  "%3A %2F %3F %23 %5B %5D %40 and %25 (percent-encoding)";

/** The setting that a connection string comes from. */
export type UriSetting = "MONGODB_URI" | "MONGODB_URI_FILE";

/** What holds the connection string, for the beginning of a sentence. */
export function holderOf(setting: UriSetting): string {
  return setting === "MONGODB_URI" ? setting : `The content of ${setting}`;
}

/** A text that is longer than this, in UTF-16 units, is refused: it is not a connection string, or not only that. */
const MAX_LENGTH = 16 * 1024;

/**
 * What is wrong with a connection string, a sentence each. No sentence quotes what may be a part of a password. Nothing
 * is connected to; files that the string names are read.
 *
 * @param setting the setting that it comes from, for the sentences
 */
export function uriProblem(
  uri: string,
  setting: UriSetting = "MONGODB_URI",
): string[] {
  const where = holderOf(setting);
  if (!/^mongodb(\+srv)?:\/\//.test(uri) || uri.length > MAX_LENGTH) {
    return [
      `${where} is not a connection string: it starts with mongodb:// or mongodb+srv://, without quotation marks, ` +
      `and has at most ${MAX_LENGTH} characters`,
    ];
  }
  const shape = shapeProblem(uri);
  if (shape !== undefined) return [`${where} cannot be used: ${shape}`];
  const parsed = parsedUri(uri);
  // The driver's messages about these tell less than is known here.
  const problems = parsed ? knownProblems(parsed) : [];
  if (problems.length > 0) return problems.map((problem) => `${where} cannot be used: ${problem}`);
  muteDriverWarnings();
  try {
    new MongoClient(uri);
    return [];
  } catch (error) {
    return [`${where} cannot be used: ${withoutPartsOf(uri, errorText(error))}`];
  }
}

function knownProblems(parsed: ConnectionString): string[] {
  const login = loginProblem(parsed);
  return [...login === undefined ? [] : [login], ...optionProblems(parsed), ...tlsFileProblems(parsed)];
}

/** Whether two connection strings lead to the same servers, as far as their text tells. */
export function sameServers(one: string, other: string): boolean {
  const [a, b] = [parsedUri(one), parsedUri(other)];
  return a !== undefined && b !== undefined && a.isSRV === b.isSRV &&
    a.hosts.some((host) => b.hosts.includes(host));
}

/** Whether it names files that may be replaced while the agent runs. */
export function namesFiles(uri: string): boolean {
  const parsed = parsedUri(uri);
  return parsed !== undefined && hasTlsFiles(parsed);
}

/** Tells whether a file that it names was replaced: see {@linkcode tlsFilesDigest}. */
export async function filesDigest(uri: string): Promise<string | undefined> {
  const parsed = parsedUri(uri);
  return parsed && hasTlsFiles(parsed) ? await tlsFilesDigest(parsed) : "";
}

/** The certificates in the files that a connection string names; authorities only if servers are verified by them. */
export function certificatesIn(uri: string): readonly CertificateFile[] {
  const parsed = parsedUri(uri);
  const { isVerified } = protectionOf(uri);
  const found = parsed === undefined ? [] : certificatesOf(parsed);
  return found.filter(({ option }) => isVerified || option !== "tlsCAFile");
}

/** How a connection string protects what is sent. */
export interface Protection {
  readonly isTls: boolean;
  /** An option by which any server is believed to be the right one; undefined if there is none. */
  readonly trustsAll: string | undefined;
  /** Whether the certificates of servers have to hold; their names may be left unchecked. */
  readonly isVerified: boolean;
  /** All servers are this machine itself: nothing is sent over a network. */
  readonly isLocal: boolean;
}

/** How a connection string protects what is sent. */
export function protectionOf(uri: string): Protection {
  const parsed = parsedUri(uri);
  const isOn = (name: string) => parsed && option(parsed, name) === "true";
  const isTls = isOn("tls") || isOn("ssl") || (parsed?.isSRV && option(parsed, "tls") !== "false");
  const trustsAny = ["tlsInsecure", "tlsAllowInvalidCertificates"].find(isOn);
  return {
    isTls: Boolean(isTls),
    trustsAll: trustsAny ?? ["tlsAllowInvalidHostnames"].find(isOn),
    isVerified: trustsAny === undefined,
    isLocal: parsed?.hosts.every((host) => LOCAL.test(host)) ?? false,
  };
}

const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$|\.sock$/i;

function parsedUri(uri: string): ConnectionString | undefined {
  try {
    return new ConnectionString(uri);
  } catch {
    return undefined;
  }
}

/**
 * Whether it is clear which @ ends the password. The driver takes the first one, and the rest of the password for a
 * host, which would be looked up and shown.
 */
function shapeProblem(uri: string): string | undefined {
  const rest = uri.slice(uri.indexOf("://") + 3);
  const [authority = ""] = rest.split(/[/?#]/, 1);
  const ats = rest.split("@").length - 1;
  if (ats > 1 || (ats === 1 && !authority.includes("@")) || rest.includes("#")) {
    return `the user, the password or an option holds a character that has a meaning of its own there: ${ENCODE}`;
  }
  const credentials = authority.includes("@") ? authority.slice(0, authority.indexOf("@")) : "";
  if (isPlaceholder(credentials)) {
    return "the user or the password is still the placeholder of a template, or of a variable that is not set: " +
      "put the right one in its place";
  }
  if (/%(?![0-9a-f]{2})/i.test(credentials) || /[[\]]|:.*:/.test(credentials) || !isText(credentials)) {
    return `the user or the password is not percent-encoded: ${ENCODE}`;
  }
  const options =
    rest.slice(authority.length).split(/\?(.*)/s)[1]?.split("&").filter((option) => option !== "") ?? [];
  if (!options.every((option) => /^[a-z][a-z0-9]*=/i.test(option))) {
    return `an option is not written as NAME=VALUE; if that is a part of a password: ${ENCODE}, and & as %26`;
  }
  const hosts = authority.slice(authority.indexOf("@") + 1);
  for (const host of hosts.split(",")) {
    // This is checked before the driver does: the driver would quote a host that may be a part of a password.
    if (!HOST.test(host)) {
      return "a host is missing, or is none: write the hosts as HOST:PORT,HOST:PORT behind the user and the password; " +
        ENCODE;
    }
    const port = /^(?:\[[^\]]*\]|[^:[]*):(.*)$/.exec(host)?.[1];
    if (port !== undefined && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65535)) {
      return ats === 1
        ? "a port is not a number from 1 to 65535: write the hosts as HOST:PORT,HOST:PORT"
        : `a port is not a number from 1 to 65535; if that is a password, the @ behind it and the host are missing`;
    }
  }
}

/** A name or an address, with the text that stands for a port, or the path of a socket. */
const HOST = /^(?:(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::.*)?|%2f[^:]*\.sock)$/i;

function isText(encoded: string): boolean {
  try {
    decodeURIComponent(encoded);
    return true;
  } catch {
    return false;
  }
}

/** Parts of at least this length are hidden: shorter ones are found in innocent words. */
const MIN_PART = 3;

/** A text that is not such a name may be a part of a password with a question mark. */
const OPTION_NAME = /^[a-z][a-zA-Z]*$/;

/** The driver quotes what it was given, and all that comes before the options may be a part of the credentials. */
function withoutPartsOf(uri: string, text: string): string {
  const [, address = "", query = ""] = /^[^:]*:\/\/([^?]*)\??(.*)$/s.exec(uri) ?? [];
  const parts = address.split(/[:@/,]/);
  for (const option of query.split("&")) {
    const [name = "", value = ""] = option.split(/=(.*)/s);
    parts.push(value, ...value.split(/[:,]/), ...(OPTION_NAME.test(name) ? [] : [name]));
  }
  const written = parts.flatMap((part) => isText(part) ? [part, decodeURIComponent(part)] : [part]);
  let clean = text.replaceAll(secrets.text(uri), "the connection string");
  for (const part of written.filter(({ length }) => length >= MIN_PART).sort((a, b) => b.length - a.length)) {
    clean = clean.replace(new RegExp(RegExp.escape(part), "gi"), () => "***");
  }
  return clean;
}
