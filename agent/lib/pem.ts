import { X509Certificate } from "node:crypto";

/** A block of PEM: a certificate, a key. */
export interface PemBlock {
  label: string;
  /** All of it, including its first and last line. */
  text: string;
}

/** The blocks of a text. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g);
  return [...blocks].map(([text, label]) => ({ label: label!, text: text + "\n" }));
}

/**
 * The certificates of an authority.
 *
 * @throws {Error} What is wrong with the text, as a clause: "holds no certificate ...".
 */
export function authorityCertificates(blocks: readonly PemBlock[]): PemBlock[] {
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (certificates.length === 0) {
    throw new Error(
      "holds no certificate as PEM (-----BEGIN CERTIFICATE-----): name the certificates of the authority",
    );
  }
  if (!certificates.every(isCertificate)) {
    throw new Error("holds a certificate that cannot be read: copy it anew");
  }
  return certificates;
}

function isCertificate(block: PemBlock): boolean {
  try {
    new X509Certificate(block.text);
    return true;
  } catch {
    return false;
  }
}
