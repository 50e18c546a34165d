import { UsageError } from "../../errors.ts";
import { hideSecretsOfAddress } from "../../text/address_secrets.ts";
import { secrets } from "../../text/redact.ts";

/** The setting that an address is the value of. */
interface Origin {
  readonly variable: string;
  /** The address itself is the credential, as that of a chat's webhook is: only its host is shown. */
  readonly isSecret?: boolean;
}

/** An address that the agent posts to. */
export class Endpoint {
  /** The setting that holds it. */
  readonly variable: string;
  /** Without credentials: they are sent as a header. */
  readonly url: URL;
  /** The address as it is named in errors: without credentials and without a query. */
  readonly shown: string;
  /** The value of the header `Authorization`, if the address has credentials. */
  readonly authorization: string | undefined;

  private constructor(url: URL, { variable, isSecret = false }: Origin) {
    this.variable = variable;
    const { username, password } = url;
    if (username !== "" || password !== "") {
      const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      this.authorization = `Basic ${new TextEncoder().encode(credentials).toBase64()}`;
    }
    url.username = "";
    url.password = "";
    this.url = url;
    this.shown = isSecret ? url.origin : shownUrl(url);
  }

  /**
   * Reads the value of a setting. The credentials and the query of an address are hidden in every output from then on.
   *
   * @throws {UsageError} If it is no address that can be posted to.
   */
  static parse(text: string, origin: Origin): Endpoint {
    const { isSecret = false, variable } = origin;
    const url = URL.parse(text);
    hideSecretsOfAddress(variable, text);
    if (isSecret) secrets.learnValues(variable, tokensOf(url));
    const said = isSecret
      ? `${variable} has a value`
      : `${variable} is ${JSON.stringify(secrets.text(text))}`;
    if (url === null || !/^https?:\/\/[^/?#]/i.test(text)) {
      throw new UsageError(`${said}, which is no address: write http://HOST:PORT/PATH`);
    }
    if (url.hash !== "" || text.includes("#")) {
      throw new UsageError(
        `${said}: no server sees what follows the #, so leave it out (a # is written %23)`,
      );
    }
    if (url.port === "0") {
      throw new UsageError(`${said}: nothing listens on port 0, so name another port`);
    }
    try {
      return new Endpoint(url, origin);
    } catch (error) {
      throw new UsageError(`${said}: write a % in the user or the password as %25`, { cause: error });
    }
  }
}

/** An address for messages: neither credentials nor a query. */
export function shownUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** Words of a path that are as long as this, or have digits and are half as long, are tokens. */
const MIN_TOKEN = 16;

/** What is secret in a secret address: the path as a whole, and the tokens in it, which an answer may quote. */
function tokensOf(url: URL | null): string[] {
  if (url === null) return [];
  const { href, pathname, search } = url;
  const tokens = pathname.split("/").filter((word) =>
    word.length >= MIN_TOKEN || (word.length >= MIN_TOKEN / 2 && /\d/.test(word))
  );
  const whole = pathname + search;
  // Otherwise the host alone would be hidden.
  return whole === "/" ? [] : [href, ...(whole.length > MIN_TOKEN ? [whole, pathname] : []), ...tokens];
}
