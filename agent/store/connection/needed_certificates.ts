import type { Clock } from "../../lib/clock.ts";
import { type ServerCertificate, serverCertificate } from "./server_certificate.ts";
import type { CertificateFile } from "./tls_files.ts";
import { certificatesIn, protectionOf } from "./uri.ts";

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
  const { isVerified } = protectionOf(uri);
  const found = await Promise.all((isVerified ? servers : []).map(async (server) => {
    const certificate = await serverCertificate(server, clock);
    return certificate ? [[server, certificate] as const] : [];
  }));
  const shown = new Map(found.flat());
  const inFiles = neededOfFiles(certificatesIn(uri), shown, new Date());
  return [
    ...inFiles.map(({ expires, option, path, subject }) => ({
      what: `${subject} in ${path} (${option})`,
      expires,
    })),
    ...[...shown].map(([server, { expires }]) => ({
      what: `that of the MongoDB server ${server}`,
      expires,
    })),
  ];
}

/**
 * The certificates without which no connection comes about, of those in the files that a connection string names. A file of
 * authorities may hold some that no server uses, or that are about to follow others: it needs those that have issued what
 * the servers have `shown`, or else one that holds.
 */
export function neededOfFiles(
  files: readonly CertificateFile[],
  shown: ReadonlyMap<string, ServerCertificate>,
  now: Date,
): readonly CertificateFile[] {
  const best = new Map<string, CertificateFile>();
  for (const each of files.filter(isAuthority)) {
    const other = best.get(each.subject);
    if (!other || isBetter(each, other, now)) best.set(each.subject, each);
  }
  const issuers = new Set([...shown.values()].map(({ issuer }) => plain(issuer)));
  const authorities = [...best.values()];
  const used = authorities.filter(({ subject }) => issuers.has(plain(subject)));
  const needed = used.length > 0
    ? used
    : authorities.sort((one, other) => isBetter(one, other, now) ? -1 : 1).slice(0, 1);
  return files.filter((each) => !isAuthority(each) || needed.includes(each));
}

function isAuthority({ option }: CertificateFile): boolean {
  return option === "tlsCAFile";
}

/** Whether one holds and the other does not, or ends later. */
function isBetter(one: CertificateFile, other: CertificateFile, now: Date): boolean {
  const [holds, otherHolds] = [one, other].map(({ begins, expires }) => begins <= now && now < expires);
  return holds === otherHolds ? one.expires > other.expires : holds!;
}

/** The same name, however its parts are joined. */
function plain(name: string): string {
  return name.replaceAll(", ", ",");
}
