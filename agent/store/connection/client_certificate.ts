import { X509Certificate } from "node:crypto";
import { pemBlocks } from "../../lib/pem.ts";

/** The certificate by which the agent shows who it is. */
export interface ClientCertificate {
  /** The name of the user that it logs in as, as MongoDB writes it: `CN=agent,O=Example`, the last part first. */
  readonly user: string;
  readonly begins: Date;
  readonly expires: Date;
}

/** The first certificate in a text as PEM, which is the client's own; undefined if there is none that can be read. */
export function clientCertificateIn(pem: string): ClientCertificate | undefined {
  const block = pemBlocks(pem).find(({ label }) => label === "CERTIFICATE");
  if (!block) return undefined;
  try {
    const { subject, validFrom, validTo } = new X509Certificate(block.text);
    const parts = subject.split("\n").reverse().map(escaped);
    return { user: parts.join(","), begins: new Date(validFrom), expires: new Date(validTo) };
  } catch {
    return undefined;
  }
}

/** A part of a name as RFC 2253 has it: what separates parts has a backslash in front. */
function escaped(part: string): string {
  const [name = "", value = ""] = part.split(/=(.*)/s);
  return `${name}=${value.replace(/[,+"\\<>;]/g, "\\$&")}`;
}
