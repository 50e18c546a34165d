import { createHash, createHmac } from "node:crypto";

/**
 * What is made of a token: never the token itself leaves this object. What it seals is not found any more once the token
 * is replaced.
 */
export class TokenKey {
  /** The name of the cookie: two dashboards of one machine have one each, as cookies do not tell ports apart. */
  readonly name: string;
  /** The {@linkcode digest} of the token itself. */
  readonly own: string;
  readonly #key: string;

  constructor(token: string) {
    this.#key = createHash("sha256").update(`pulling-agent dashboard ${token}`).digest("hex");
    this.own = this.digest(token);
    this.name = `pulling_agent_${this.seal("name").slice(0, 12)}`;
  }

  /** A digest of a token, of always the same length. */
  digest(token: string): string {
    return createHmac("sha256", this.#key).update(`token ${token}`).digest("hex");
  }

  /** What is kept of the secret of a login: it tells nothing of the secret. */
  seal(text: string): string {
    return createHmac("sha256", this.#key).update(`session ${text}`).digest("hex");
  }
}
