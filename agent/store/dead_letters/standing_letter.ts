import type { Document } from "mongodb";
import { type DeadLetter, isNameable } from "./stored_letter.ts";

/**
 * The fields of a document that tell whether its letter stands. The server reads them: if a field occurs twice in a
 * document, the server takes the first one, as the agent's writes do, and JavaScript the last.
 */
export const AS_THE_SERVER_SEES = { status: "$status", _pull: { dead_at: "$_pull.dead_at" } } as const;

/** Whether a letter is that of its document, as far as {@linkcode AS_THE_SERVER_SEES} tells. */
export function stands(letter: DeadLetter, document: Document | undefined): boolean {
  const { by_reference, dead_at } = letter;
  // No query can name its document, so nothing is known against the letter.
  if (!isNameable(letter)) return true;
  if (!document || document.status === "processed") return false;
  const verdict = document._pull?.dead_at;
  if (!(dead_at instanceof Date)) return document.status === "failed";
  if (by_reference && verdict === undefined) return document.status === "failed";
  return verdict instanceof Date && verdict.getTime() === dead_at.getTime();
}

/**
 * A letter by reference is written before its document's mark, as there is no room for a verdict. If it were removed in
 * between, the failed document would have no letter.
 */
export function isUndecided({ by_reference }: DeadLetter, document: Document | undefined): boolean {
  return by_reference === true && document?._pull?.dead_at === undefined &&
    (document?.status === "pending" || document?.status === "processing");
}
