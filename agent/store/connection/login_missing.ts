import { MongoServerError } from "mongodb";

/**
 * Whether a server needs a login. It answers with the code of a missing right, also to a connection whose user was
 * removed or made again.
 */
export function isLoginMissing(error: unknown): boolean {
  return error instanceof MongoServerError && Number(error.code) === 13 && asksForLogin(error.message);
}

/** Whether a server's text means it. */
export function asksForLogin(message: string): boolean {
  return message.includes("requires authentication");
}
