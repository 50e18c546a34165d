import { errorText } from "../../errors.ts";

/** MongoDB refuses for a while what an agent has to find out, or to write, before it claims new documents. */
export class ModeTroubleError extends Error {
  override readonly name = "ModeTroubleError";

  /** @param collection that of the agents, with its database */
  constructor(collection: string, error: unknown) {
    super(
      `CLAIM_MODE is document, and the agent cannot tell the others so in ${collection}, so that it claims no new document: ` +
        `${errorText(error)}: it retries, look at that collection if this goes on`,
      { cause: error },
    );
  }
}
