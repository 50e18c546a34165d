import { PermanentError } from "../../errors.ts";
import { wholeBody } from "./answer_body.ts";
import { retryAfterMs } from "./retry_after.ts";

/** Fields of a result that are written when a document is processed. */
const OF_RESULTS = ["set", "writes"] as const;

/** A service has accepted documents and is not done with them (202 with `Retry-After`): they are put off. */
export class PutOff {
  /** What a module would have returned for each of the documents. */
  readonly result: { readonly snoozeMs: number };

  private constructor(snoozeMs: number) {
    this.result = { snoozeMs };
  }

  /**
   * What a response with a status of 2xx asks for; undefined if it does not put anything off. Its body may be anything,
   * such as the state of a job.
   *
   * @throws {PermanentError} If its body is a result as well, which would be lost.
   * @throws {Error} If its `Retry-After` cannot be read: the documents are not done, and it is not known when to ask again.
   */
  static async askedBy(response: Response, shown: string): Promise<PutOff | undefined> {
    const { headers, status } = response;
    if (status !== 202 || !headers.has("retry-after")) return undefined;
    const field = resultIn(await wholeBody(response));
    if (field !== undefined) {
      throw new PermanentError(
        `${shown} answered 202 with Retry-After, which puts the document off, and with "${field}", ` +
          "which is written when a document is processed: answer one of the two",
      );
    }
    const snoozeMs = retryAfterMs(headers);
    if (snoozeMs !== undefined) return new PutOff(snoozeMs);
    throw new Error(
      `${shown} answered 202 with a Retry-After that is neither a number of seconds nor a date of HTTP`,
    );
  }
}

/** The field that makes a body a result, or an entry of a batch; undefined if there is none. */
function resultIn(body: Uint8Array): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  const entries = [answer].flat(1).filter((entry) => typeof entry === "object" && entry !== null);
  return OF_RESULTS.find((name) => entries.some((entry) => Object.hasOwn(entry as object, name)));
}
