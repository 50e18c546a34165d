import { errorText } from "../../errors.ts";
import { FilterError } from "../filter.ts";
import { isForbidden, isMongoError } from "../mongo_errors.ts";

/** What the doctor could not look at, and why: a missing right, or a server that lacks the command. */
export class Unseen {
  /** A sentence, without secrets. */
  readonly reason: string;
  /** The user may not look. */
  readonly isForbidden: boolean;
  /** MongoDB refuses the query that `FILTER` is a part of. */
  readonly isFilterRefused: boolean;

  constructor(reason: string, { isFilterRefused = false, isForbidden = false }: Partial<Unseen> = {}) {
    this.reason = reason;
    this.isForbidden = isForbidden;
    this.isFilterRefused = isFilterRefused;
  }
}

/** What `look` finds; {@linkcode Unseen} if the server refuses or does not answer. Throws any other error: it is a bug. */
export async function seen<T>(look: () => Promise<T>): Promise<T | Unseen> {
  try {
    return await look();
  } catch (error) {
    const isFilterRefused = error instanceof FilterError;
    if (!isMongoError(error) && !isFilterRefused) throw error;
    return new Unseen(errorText(error), { isFilterRefused, isForbidden: isForbidden(error) });
  }
}
