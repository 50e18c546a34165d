/** What tests of dead letters share. */
import { assertEquals } from "@std/assert";
import type { DeadLetter } from "../../agent/store/dead_letters/stored_letter.ts";
import type {
  DeadLetterQuery,
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
