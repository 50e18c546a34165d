import { createHash, createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { resolve } from "node:path";
import { isNotFound, isPermissionDenied, readFileNow, readFileOnce } from "../../lib/read_file.ts";
import { authorityCertificates, type PemBlock, pemBlocks } from "../../lib/pem.ts";
import { errorText } from "../../errors.ts";
import type { ConnectionString } from "mongodb-connection-string-url";
import { option } from "./uri_options.ts";

/**
 * What is wrong with the certificate files that a connection string names. The runtime's TLS library reports little of
 * it, and late: a key that does not fit ends the process.
 */
export function tlsFileProblems(uri: ConnectionString): string[] {
  const problem = (name: string, check: (blocks: readonly PemBlock[]) => string | undefined) => {
    const path = option(uri, name);
    if (path === undefined) return [];
    // A relative path starts at the working directory, which differs between a shell and a container.
    const what = `${name} names ${JSON.stringify(resolve(path))}, `;
    const text = contentOf(path);
    const wrong = typeof text === "string" ? joinedProblem(text) ?? check(pemBlocks(text)) : text.problem;
    return wrong === undefined ? [] : [what + wrong];
  };
  return [...problem("tlsCAFile", caFileProblem), ...problem("tlsCertificateKeyFile", keyFileProblem)];
}

/** Options that name files that the driver reads once per client. */
const FILE_OPTIONS = ["tlsCAFile", "tlsCertificateKeyFile"] as const;
/** The most that is read of such a file, in bytes: the authorities of a whole system take a quarter of it. */
const MAX_BYTES = 1024 * 1024;

/** Whether a connection string names files of certificates. */
export function hasTlsFiles(uri: ConnectionString): boolean {
  return FILE_OPTIONS.some((name) => option(uri, name) !== undefined);
}

/**
 * A digest of the certificate files that a connection string names, which tells whether one was replaced. Undefined if
 * one cannot be read just now, for example while a secret is replaced.
 */
export async function tlsFilesDigest(uri: ConnectionString): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for (const name of FILE_OPTIONS) {
      const path = option(uri, name);
      if (path !== undefined) hash.update(`${name}\n${await readFileNow(path, MAX_BYTES)}\0`);
    }
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}

/** A certificate in a file that a connection string names. */
export interface CertificateFile {
  /** The option that names the file. */
  readonly option: string;
  readonly path: string;
  /** Whom it is for, such as `CN=client`. */
  readonly subject: string;
  readonly begins: Date;
  readonly expires: Date;
}

/** The certificates in the files that a connection string names, as far as they can be read. */
export function certificatesOf(uri: ConnectionString): readonly CertificateFile[] {
  return FILE_OPTIONS.flatMap((name) => {
    const path = option(uri, name);
    const text = path === undefined ? "" : contentOf(path);
    if (path === undefined || typeof text !== "string") return [];
    return pemBlocks(text).filter(({ label }) => label === "CERTIFICATE").flatMap((block) => {
      const certificate = certificateIn(block);
      if (certificate === undefined) return [];
      const { subject, validFrom, validTo } = certificate;
      const [begins, expires] = [new Date(validFrom), new Date(validTo)];
      return [{ option: name, path, subject: subject.replaceAll("\n", ", "), begins, expires }];
    });
  });
}

/** Undefined if it cannot be read: a file may be replaced by a broken one at any time. */
function certificateIn({ text }: PemBlock): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

function contentOf(path: string): string | { problem: string } {
  try {
    return readFileOnce(path, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (isNotFound(error)) {
      return { problem: "which does not exist: check the path and the mount" };
    }
    if (isPermissionDenied(error)) {
      return { problem: `which this user may not read: let user ${Deno.uid()} read it` };
    }
    const why = errorText(error).replace(/^(.*?) \(os error.*$/, "$1");
    return { problem: `which cannot be read (${why.slice(0, 100)}): name a file that holds PEM` };
  }
}

/** Files that were put together, of which one had no line break at its end: the TLS library reads only a part. */
function joinedProblem(text: string): string | undefined {
  return /-----END [^\r\n]*-----BEGIN /.test(text)
    ? "in which a block of PEM begins on the line on which another ends: put a line break between the two"
    : undefined;
}

function caFileProblem(blocks: readonly PemBlock[]): string | undefined {
  try {
    authorityCertificates(blocks);
  } catch (error) {
    return `which ${errorText(error)}`;
  }
}

function keyFileProblem(blocks: readonly PemBlock[]): string | undefined {
  const key = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  const certificate = blocks.find(({ label }) => label === "CERTIFICATE");
  if (!key || !certificate) {
    const missing = [!certificate && "certificate", !key && "private key"].filter(Boolean).join(" and no ");
    return `which holds no ${missing} as PEM: put the certificate and its key into this one file`;
  }
  if (key.label === "ENCRYPTED PRIVATE KEY" || key.text.includes("Proc-Type: 4,ENCRYPTED")) {
    return "whose key is encrypted, which this program cannot read, with its password neither: " +
      "decrypt it with openssl pkey -in FILE, and protect the file as a secret";
  }
  const publicKey = publicKeyOf(certificate);
  if (!publicKey) return "which holds a certificate that cannot be read: copy it anew";
  if (isFirstVersion(certificate)) {
    return "whose certificate is of X.509 version 1, which is not accepted: have it issued as version 3";
  }
  const own = publicKeyOfKey(key);
  if (!own) return "whose key cannot be read: use an RSA, EC or Ed25519 key as PEM";
  if (!publicKey.equals(own)) {
    return "whose key belongs to another certificate: put the two that belong together into it, the client's own first";
  }
}

const spki = { type: "spki", format: "der" } as const;

function publicKeyOf({ text }: PemBlock): { equals(other: Uint8Array): boolean } | undefined {
  try {
    return new X509Certificate(text).publicKey.export(spki);
  } catch {
    return undefined;
  }
}

function publicKeyOfKey({ text }: PemBlock): Uint8Array | undefined {
  try {
    // deno-lint-ignore no-explicit-any -- a private key is taken as well, whose public one it gives
    return createPublicKey(createPrivateKey(text) as any).export(spki);
  } catch {
    return undefined;
  }
}

/** In the DER of a certificate the version stands first within the inner sequence, as [0]; version 1 leaves it out. */
function isFirstVersion({ text }: PemBlock): boolean {
  const base64 = text.replace(/-----[^-]*-----/g, "").replace(/\s/g, "");
  const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return der[contentAt(der, contentAt(der, 0))] !== 0xa0;
}

/** The offset of the content of the DER element at `at`. */
function contentAt(der: Uint8Array, at: number): number {
  const length = der[at + 1] ?? 0;
  return at + 2 + (length & 0x80 ? length & 0x7f : 0);
}
