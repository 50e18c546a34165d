import { connect } from "node:tls";
import type { Clock } from "../../lib/clock.ts";
import { doneBy } from "../../lib/deadline.ts";

/** A server has this long to show its certificate, in milliseconds. */
const LIMIT_MS = 3000;

/**
 * When the certificate of a server ends; undefined if that cannot be told: an older runtime shows no certificate. Nothing
 * is sent over the connection, so it need not be trusted. Never throws.
 *
 * @param address host and port
 */
export async function serverCertificateEnd(address: string, clock: Clock): Promise<Date | undefined> {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  const socket = connect({
    host: host.replace(/^\[|\]$/g, ""),
    port: Number(port ?? 27017),
    servername: /^[\d.]+$|:/.test(host) ? "" : host,
    rejectUnauthorized: false,
  });
  try {
    const shown = new Promise<Date | undefined>((resolve) => {
      socket.once("secureConnect", () => resolve(endOf(socket)));
      socket.on("error", () => resolve(undefined));
    });
    return await doneBy(shown, { clock, limitMs: LIMIT_MS });
  } finally {
    socket.destroy();
  }
}

function endOf(socket: ReturnType<typeof connect>): Date | undefined {
  try {
    const end = new Date(socket.getPeerCertificate()?.valid_to);
    return Number.isNaN(end.getTime()) ? undefined : end;
  } catch {
    return undefined;
  }
}
