import { PermanentError } from "../../errors.ts";
import { secrets } from "../../text/redact.ts";
import { shownUrl } from "./endpoint.ts";
import { beginning } from "./answer_body.ts";
import { retryAfterMs } from "./retry_after.ts";

/** So many characters of an answer stand in an error. */
const MAX_QUOTED = 200;
/** So much of an answer is read for that, in bytes. */
const MAX_READ = 16 * 1024;

/**
 * Statuses of 4xx that a retry may mend: the request was too early, too slow or one too many, or the credentials have
 * just been replaced.
 */
const RETRIED = [401, 407, 408, 425, 429];

/** The service answered that it failed. */
class StatusError extends Error {
  override readonly name = "StatusError";
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The failure that an answer is by its status; undefined if it is 2xx. */
export async function statusProblem(response: Response, shown: string): Promise<Error | undefined> {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return undefined;
  const quoted = oneLine(await beginning(response, MAX_READ));
  const said = `${shown} answered ${status}`;
  if (status >= 300 && status < 400 && headers.has("location")) {
    return new PermanentError(
      `${said} and leads to ${locationOf(headers.get("location")!, response.url)}: ` +
        "no redirect is followed, so set PROCESSOR to the address that answers",
    );
  }
  const message = quoted === "" ? said : `${said}: ${quoted}`;
  const isPermanent = status >= 300 && status < 500 && !RETRIED.includes(status);
  return isPermanent ? new PermanentError(message) : new StatusError(message, retryAfterMs(headers));
}

/** Where a redirect leads, without what may be secret in it. */
function locationOf(location: string, base: string): string {
  const url = URL.parse(location, base || undefined);
  return url === null || url.origin === "null" ? "what is no address" : shownUrl(url);
}

/** The first characters of a text on one line, without secrets. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- commands of a terminal
  const line = text.replace(/[\s\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  return secrets.text(line, MAX_QUOTED);
}
