import { retryAfterMs } from "./retry_after.ts";

/** A service has accepted documents and is not done with them (202 with `Retry-After`): they are put off. */
export class PutOff {
  /** What a module would have returned for each of the documents. */
  readonly result: { readonly snoozeMs: number };

  private constructor(snoozeMs: number) {
    this.result = { snoozeMs };
  }

  /**
   * What a response with a status of 2xx asks for; undefined if it does not put anything off.
   *
   * @throws {Error} If its `Retry-After` cannot be read: the documents are not done, and it is not known when to ask again.
   */
  static async askedBy(response: Response, shown: string): Promise<PutOff | undefined> {
    const { headers, status } = response;
    if (status !== 202 || !headers.has("retry-after")) return undefined;
    await response.body?.cancel();
    const snoozeMs = retryAfterMs(headers);
    if (snoozeMs !== undefined) return new PutOff(snoozeMs);
    throw new Error(
      `${shown} answered 202 with a Retry-After that is neither a number of seconds nor a date of HTTP`,
    );
  }
}
