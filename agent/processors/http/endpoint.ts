import { UsageError } from "../../errors.ts";
import { secrets } from "../../text/redact.ts";

/** Values of a query that are shorter than this are words rather than secrets. */
const MIN_SECRET = 8;

/** The address that documents are sent to. */
export class Endpoint {
  /** Without credentials: they are sent as a header. */
  readonly url: URL;
  /** The address as it is named in errors: without credentials and without a query. */
  readonly shown: string;
  /** The value of the header `Authorization`, if the address has credentials. */
  readonly authorization: string | undefined;

  private constructor(url: URL) {
    const { username, password } = url;
    if (username !== "" || password !== "") {
      const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      this.authorization = `Basic ${new TextEncoder().encode(credentials).toBase64()}`;
    }
    url.username = "";
    url.password = "";
    this.url = url;
    this.shown = shownUrl(url);
  }

  /**
   * Reads the value of `PROCESSOR`. The credentials and the query of an address are hidden in every output from then
   * on.
   *
   * @throws {UsageError} If it is no address that documents can be sent to.
   */
  static parse(text: string): Endpoint {
    const url = URL.parse(text);
    // Without credentials, an @ of the path would be taken for the end of some.
    if (url === null || url.username !== "" || url.password !== "") secrets.learn(text);
    if (url === null || !/^https?:\/\/[^/?#]/i.test(text)) {
      throw new UsageError(`${said(text)}, which is no address: write http://HOST:PORT/PATH`);
    }
    if (url.hash !== "" || text.includes("#")) {
      throw new UsageError(
        `${said(text)}: no server sees what follows the #, so leave it out (a # is written %23)`,
      );
    }
    if (url.port === "0") {
      throw new UsageError(`${said(text)}: nothing listens on port 0, so name another port`);
    }
    const values = [...url.searchParams.values()].filter((value) => value.length >= MIN_SECRET);
    secrets.learnValues("PROCESSOR", [...values, ...values.map(encodeURIComponent)]);
    try {
      return new Endpoint(url);
    } catch (error) {
      throw new UsageError(`${said(text)}: write a % in the user or the password as %25`, { cause: error });
    }
  }
}

/** An address for messages: neither credentials nor a query. */
export function shownUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function said(text: string): string {
  return `PROCESSOR is ${JSON.stringify(secrets.text(text))}`;
}
