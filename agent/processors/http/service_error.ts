import { PermanentError } from "../../errors.ts";

/** A failure that a retry may mend. */
export class StatusError extends Error {
  override readonly name: string = "StatusError";
  /** The wait that the service asks for, in milliseconds. */
  retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A failure that tells nothing of the document: the service is down, or the address or the credentials are wrong. */
export class ServiceError extends StatusError {
  override readonly name = "ServiceError";
}

/** The service refuses what it was sent, by its status. */
export class RefusedRequestError extends PermanentError {}
