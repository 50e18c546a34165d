import { MongoNetworkError } from "mongodb";

/** What is known of a failure to reach or to use the database. */
export interface Diagnosis {
  /** One sentence: what it is, which server, and what to look at. Without credentials. */
  readonly text: string;
  /** It does not pass by itself: a setting, a user or a certificate has to change. */
  readonly isLasting: boolean;
  /** The server does not let this connection in: other credentials, or a new connection, may be let in. */
  readonly isRefusal: boolean;
}

/**
 * The database cannot be reached, or does not let the agent in. The message tells why and what to look at; the driver's
 * own error is its {@linkcode origin}. As with every network error, the same operation may succeed later.
 */
export class UnreachableError extends MongoNetworkError {
  /** It does not pass by itself. */
  readonly isLasting: boolean;
  /** The server does not let this connection in. */
  readonly isRefusal: boolean;
  /** The driver's error. It is not the `cause`: the message holds its content already, in plain words. */
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
