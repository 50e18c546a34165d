import { MongoNetworkError } from "mongodb";

/** What is known of a failure to reach or to use the database. */
export interface Diagnosis {
  /** One sentence: what it is, where, and what to look at. Without credentials. */
  readonly text: string;
  /** No waiting mends it: a setting, a user or a certificate has to change. */
  readonly isLasting: boolean;
  /** The server does not let this connection in: other credentials, or a new connection, may be let in. */
  readonly isRefusal: boolean;
}

/**
 * The database cannot be reached, or does not let the agent in. The message says why and what to look at; the driver's
 * own error is its {@linkcode origin}. The same operation may succeed later, as with every error of the network.
 */
export class UnreachableError extends MongoNetworkError {
  /** No waiting mends it. */
  readonly isLasting: boolean;
  /** The server does not let this connection in. */
  readonly isRefusal: boolean;
  /** What the driver said. No `cause`: the message has said it already, in plain words. */
  readonly origin: unknown;

  constructor({ text, isLasting, isRefusal }: Diagnosis, origin: unknown) {
    super(text);
    this.isLasting = isLasting;
    this.isRefusal = isRefusal;
    this.origin = origin;
  }

  override get name(): string {
    return "UnreachableError";
  }
}
