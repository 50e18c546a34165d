import { MongoServerError } from "mongodb";

/**
 * Whether a server wants to know who asks. It says so with the code of a missing right, also to a connection whose user
 * was removed or made anew.
 */
export function isLoginMissing(error: unknown): boolean {
  return error instanceof MongoServerError && Number(error.code) === 13 && asksForLogin(error.message);
}

/** Whether a server's text says it. */
export function asksForLogin(message: string): boolean {
  return message.includes("requires authentication");
}
