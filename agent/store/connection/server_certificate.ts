import { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import type { Clock } from "../../lib/clock.ts";
import { doneBy } from "../../lib/deadline.ts";

/** A server has this long to show its certificate, in milliseconds. */
const LIMIT_MS = 3000;

/** The certificate that a server shows. */
export interface ServerCertificate {
  /** Whose it is, and who has issued it, such as `CN=db.example.net,O=Example`: the certificate's own order. */
  readonly subject: string;
  readonly issuer: string;
  readonly begins: Date;
  readonly expires: Date;
  /** The names of hosts that it is for; none if it names none. */
  readonly hosts: readonly string[];
}

/**
 * The certificate that a server shows; undefined if it shows none, or if the runtime does not tell. Nothing is sent over
 * the connection, so it need not be trusted. Never throws.
 *
 * @param address host and port
 */
export async function serverCertificate(
  address: string,
  clock: Clock,
): Promise<ServerCertificate | undefined> {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  const socket = connect({
    host: host.replace(/^\[|\]$/g, ""),
    port: Number(port ?? 27017),
    servername: /^[\d.]+$|:/.test(host) ? "" : host,
    rejectUnauthorized: false,
  });
  try {
    const shown = new Promise<ServerCertificate | undefined>((resolve) => {
      socket.once("secureConnect", () => resolve(shownBy(socket)));
      socket.on("error", () => resolve(undefined));
    });
    return await doneBy(shown, { clock, limitMs: LIMIT_MS });
  } finally {
    socket.destroy();
  }
}

function shownBy(socket: TLSSocket): ServerCertificate | undefined {
  try {
    const { raw, subjectaltname } = socket.getPeerCertificate();
    const { issuer, subject, validFrom, validTo } = new X509Certificate(raw);
    return {
      subject: subject.replaceAll("\n", ","),
      issuer: issuer.replaceAll("\n", ","),
      begins: new Date(validFrom),
      expires: new Date(validTo),
      hosts: hostsIn(subjectaltname ?? ""),
    };
  } catch {
    return undefined;
  }
}

/** Of the addresses only those that the runtime writes as one does. */
function hostsIn(names: string): string[] {
  const found = names.matchAll(/DNS:([^, ]+)|IP Address:([^, ]*[.:][^, ]*)/g);
  return [...found].map(([, name, address]) => name ?? address!);
}
