import type { ErrorAnswer } from "./api.ts";

/** A request that is refused, or that fails for a reason that people understand. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly kind: ErrorAnswer["error"]["kind"];

  constructor(
    status: number,
    kind: ErrorAnswer["error"]["kind"],
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.kind = kind;
  }
}

/** What was asked is wrong. */
export function badRequest(message: string): Refusal {
  return new Refusal(400, "request", message);
}

/** It is not as the viewer saw it. */
export function conflict(message: string): Refusal {
  return new Refusal(409, "conflict", message);
}
