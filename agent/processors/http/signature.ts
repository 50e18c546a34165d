import { createHmac } from "node:crypto";

/** Keys at most: one in use, and those that it replaces. */
const MAX_KEYS = 5;

/** How the file of `HTTP_SIGNING_SECRET_FILE` is written. */
const HOW = "write the secret as whsec_ and base64, one on a line while it is replaced";

/**
 * Signs requests as Standard Webhooks does. During a rotation the file has a secret on each line, and a request gets a
 * signature by each: a service may know either.
 */
export class Signer {
  readonly #keys: readonly Uint8Array[];
  /** The texts of the secrets, to be hidden. */
  readonly secrets: readonly string[];

  /** @throws {Error} What is wrong with the content of the file, as a clause. */
  constructor(content: string) {
    const lines = content.split(/\s+/).filter((line) => line !== "");
    if (lines.length === 0) throw new Error(`is empty: ${HOW}`);
    if (lines.length > MAX_KEYS) throw new Error(`has more than ${MAX_KEYS} secrets: ${HOW}`);
    this.#keys = lines.map(keyOf);
    this.secrets = lines.flatMap((line) => [line, line.replace(/^whsec_/, "")]);
  }

  /** The headers of a request with this id and body, sent at this time, in seconds since 1970. */
  headers(id: string, body: Uint8Array, atSeconds: number): Record<string, string> {
    const signatures = this.#keys.map((key) =>
      `v1,${createHmac("sha256", key).update(`${id}.${atSeconds}.`).update(body).digest("base64")}`
    );
    return {
      "webhook-id": id,
      "webhook-timestamp": String(atSeconds),
      "webhook-signature": signatures.join(" "),
    };
  }
}

function keyOf(line: string): Uint8Array {
  if (!line.startsWith("whsec_")) return new TextEncoder().encode(line);
  try {
    const key = Uint8Array.fromBase64(line.slice("whsec_".length));
    if (key.length > 0) return key;
  } catch (error) {
    throw new Error(`has a secret that is not base64 after whsec_: ${HOW}`, { cause: error });
  }
  throw new Error(`has an empty secret: ${HOW}`);
}
