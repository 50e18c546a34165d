/** What tests of dead letters share. */
import { assertEquals } from "@std/assert";
import type { Letter } from "../../agent/store/letter.ts";
import type { LetterBox, LetterQuery } from "../../agent/store/letter_box.ts";
import type { TestStore } from "./store.ts";

export async function all(box: LetterBox, query: LetterQuery = {}): Promise<Letter[]> {
  return await Array.fromAsync(box.list(query));
}

/** Makes dead letters of all that is pending. */
export async function failAll(store: TestStore, error = "fails"): Promise<void> {
  for (const document of (await store.take()).documents) {
    assertEquals(await store.deadLetter(document, error), 1);
  }
}
