import type { DeadLetter } from "../dead_letters/stored_letter.ts";
import type { KnownDocument } from "./known_document.ts";

/** A document that a requeue has met. */
export interface Found extends KnownDocument {
  /** Its status is a text, and not a list that holds one. */
  readonly isOneStatus: boolean;
  /** Its verdict, if it carries one. */
  readonly deadAt: Date | undefined;
  /** Its dead letter, whether it stands or not. */
  readonly letter: DeadLetter | undefined;
}
