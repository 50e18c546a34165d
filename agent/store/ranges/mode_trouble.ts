import { errorText } from "../../errors.ts";

/** MongoDB refuses for a while what an agent has to find out, or to write, before it claims new documents. */
export class ModeTroubleError extends Error {
  override readonly name = "ModeTroubleError";

  /** @param collection that of the agents, with its database */
  constructor(collection: string, error: unknown) {
    super(
      `The agent claims no new document as long as it cannot tell the others its CLAIM_MODE in ${collection} ` +
        `(${errorText(error)}): it retries, look at that collection if this goes on`,
      { cause: error },
    );
  }
}
