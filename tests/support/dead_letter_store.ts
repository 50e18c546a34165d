/** What tests of dead letters share. */
import { assertEquals } from "@std/assert";
import type { DeadLetter } from "../../agent/store/dead_letters/dead_letter.ts";
import type { DeadLetterQuery, DeadLetterStore } from "../../agent/store/dead_letters/dead_letter_store.ts";
import type { TestStore } from "./store.ts";

export async function all(box: DeadLetterStore, query: DeadLetterQuery = {}): Promise<DeadLetter[]> {
  return await Array.fromAsync(box.list(query));
}

/** Makes dead letters of all that is pending. */
export async function failAll(store: TestStore, error = "fails"): Promise<void> {
  for (const document of (await store.take()).documents) {
    assertEquals(await store.deadLetter(document, error), 1);
  }
}
