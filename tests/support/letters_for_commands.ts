/** What tests of dead letters share. */
import { assertEquals } from "@std/assert";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import type { DeadLetterQuery } from "../../agent/store/dead_letters/letter_query.ts";
import type {
  ChangedLetters,
  LettersForCommands,
} from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { TestStore } from "./store.ts";

export async function all(box: LettersForCommands, query: DeadLetterQuery = {}): Promise<DeadLetter[]> {
  return await Array.fromAsync(box.list(query));
}

/** Makes dead letters of all that is pending. */
export async function failAll(store: TestStore, error = "fails"): Promise<void> {
  for (const document of (await store.take()).documents) {
    assertEquals(await store.deadLetter(document, error), 1);
  }
}

/**
 * Redrives one letter; `false` if its document has changed since.
 *
 * @throws What the server refuses it for.
 */
export async function redrive(box: LettersForCommands, letter: DeadLetter): Promise<boolean> {
  return wasChanged(await box.redrive([letter]));
}

/** Purges one letter; `false` if a newer one has taken its place. @throws What the server refuses it for. */
export async function purge(box: LettersForCommands, letter: DeadLetter): Promise<boolean> {
  return wasChanged(await box.purge([letter]));
}

function wasChanged({ count, failure, kept, refused }: ChangedLetters): boolean {
  const [refusal] = [...refused.values(), ...kept.values()];
  if (failure || refusal) throw failure ? failure.cause : refusal;
  return count === 1;
}
