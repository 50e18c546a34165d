import type { Clock } from "../../lib/clock.ts";
import { serverCertificate } from "./server_certificate.ts";
import { certificatesIn } from "./uri.ts";

/** A certificate without which no new connection comes about. */
export interface NeededCertificate {
  /** Whose it is and where, such as `CN=agent in /tls/client.pem (tlsCertificateKeyFile)`. */
  readonly what: string;
  readonly expires: Date;
}

/**
 * The certificates that a connection needs, as far as they can be looked at: those in the files that its string names, and
 * those that servers show. Never throws.
 *
 * @param servers host and port of each that speaks TLS
 */
export async function neededCertificates(
  uri: string,
  servers: readonly string[],
  clock: Clock,
): Promise<readonly NeededCertificate[]> {
  const shown = await Promise.all(servers.map(async (server) => {
    const certificate = await serverCertificate(server, clock);
    return certificate
      ? [{ what: `that of the MongoDB server ${server}`, expires: certificate.expires }]
      : [];
  }));
  const inFiles = certificatesIn(uri).map(({ expires, option, path, subject }) => ({
    what: `${subject} in ${path} (${option})`,
    expires,
  }));
  return [...inFiles, ...shown.flat()];
}
