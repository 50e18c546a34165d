import { secrets } from "../../text/redact.ts";
import { type Endpoint, shownUrl } from "./endpoint.ts";
import { beginning } from "./answer_body.ts";
import { retryAfterMs } from "./retry_after.ts";
import { RefusedRequestError, ServiceError, StatusError } from "./service_error.ts";

/** So many characters of an answer stand in an error. */
const MAX_QUOTED = 200;
/** So much of an answer is read for that, in bytes. */
const MAX_READ = 16 * 1024;

/** Statuses that judge what was sent: a retry would bring the same. */
const FINAL = [400, 413, 422];

/** Statuses that tell nothing of the document: the service is not there (any more), or the address or the headers are wrong. */
const OF_THE_SERVICE = [401, 403, 404, 405, 407, 410, 415, 421, 426, 429, 431, 502, 503, 504];

/** The failure that an answer is by its status; undefined if it is 2xx. */
export async function statusProblem(
  response: Response,
  { shown, variable }: Pick<Endpoint, "shown" | "variable">,
): Promise<Error | undefined> {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return undefined;
  const quoted = oneLine(await beginning(response, MAX_READ));
  const said = `${shown} answered ${status}`;
  const isRedirect = status >= 300 && status < 400;
  if (isRedirect && headers.has("location")) {
    return new ServiceError(
      `${said} and leads to ${locationOf(headers.get("location")!, response.url)}: ` +
        `no redirect is followed, so set ${variable} to the address that answers`,
    );
  }
  const message = quoted === "" ? said : `${said}: ${quoted}`;
  if (FINAL.includes(status)) return new RefusedRequestError(message);
  const Failure = isRedirect || OF_THE_SERVICE.includes(status) ? ServiceError : StatusError;
  return new Failure(message, retryAfterMs(headers));
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
