import type { ClientCertificate } from "./client_certificate.ts";
import type { ServerCertificate } from "./server_certificate.ts";

/** What a connection string asks for, and what the servers have reported about themselves. */
export interface Facts {
  /** As the connection string names them. */
  readonly hosts: readonly string[];
  readonly isTls: boolean;
  readonly isDirect: boolean;
  readonly hasCredentials: boolean;
  /** How the agent logs in, such as `MONGODB-X509`; undefined if the driver chooses. */
  readonly mechanism?: string | undefined;
  /** The database that the user is looked up in. */
  readonly authSource: string;
  /** The certificate in the file of `tlsCertificateKeyFile`. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** The certificates that servers have shown which could not be verified, by host and port. */
  readonly serverCertificates?: ReadonlyMap<string, ServerCertificate>;
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
  /** The file that could not be read. */
  readonly path: string | undefined;
  /** A code of the operating system's, or of the TLS library's. */
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

/** Whether the text of an error matches. */
export const says = (pattern: RegExp) => ({ message }: Told) => pattern.test(message);
/** Whether an error has one of these codes. */
export const hasCode = (...codes: string[]) => ({ code }: Told) => codes.includes(code);
/** Whether a server has sent one of these codes. */
export const hasServerCode = (...codes: number[]) => ({ serverCode }: Told) => codes.includes(serverCode);
/** Whether all of these hold. */
export const both = (...tests: Cause["matches"][]): Cause["matches"] => (told, facts) =>
  tests.every((test) => test(told, facts));
/** Whether any of these holds. */
export const either = (...tests: Cause["matches"][]): Cause["matches"] => (told, facts) =>
  tests.some((test) => test(told, facts));
