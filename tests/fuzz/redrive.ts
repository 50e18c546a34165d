import { letterJson } from "../../agent/store/dead_letters/stored_letter.ts";
import { isTooLarge } from "../../agent/store/mongo_errors.ts";
import type { TestDatabase } from "../support/mongod.ts";
import { bsonDocument, elementNamed, elementsOf, sameBytes } from "../support/raw_bson.ts";
import { jobs, letters, type TestStore } from "../support/store.ts";
import { statusOf } from "./oracle.ts";
import { redrive } from "../support/letters_for_commands.ts";

/** Fields that a redrive may change. */
const CHANGED = ["status", "_pull", "error"];

/** Redrives every dead letter; returns what is broken: each document is pending as it was, and each letter is gone. */
export async function redriveAll(store: TestStore, database: TestDatabase): Promise<string[]> {
  const broken: string[] = [];
  const before = await documentsById(database);
  const box = await store.forCommands.letters();
  const found = await Array.fromAsync(box.list({ whole: true }));
  let refused = 0;
  for (const letter of found) {
    const text = letterJson(letter);
    try {
      JSON.parse(text);
    } catch {
      broken.push(`A dead letter is shown as something that is no JSON: ${text.slice(0, 200)}`);
    }
    try {
      if (!await redrive(box, letter)) broken.push(`A dead letter cannot be redriven: ${text.slice(0, 300)}`);
    } catch (error) {
      // One that has no room to be pending again stays as it is, with its letter.
      if (!isTooLarge(error) || !letter.by_reference) throw error;
      refused += 1;
    }
  }
  const left = await letters(database).countDocuments() - refused;
  if (broken.length === 0 && left > 0) broken.push(`${left} dead letters outlive their redrive`);
  const after = await documentsById(database);
  for (const [id, was] of before) {
    const is = after.get(id);
    if (is === undefined) broken.push(`A redrive lost a document: ${id}`);
    else if (!sameBytes(unchanged(was), unchanged(is))) broken.push(`A redrive changed a document: ${id}`);
    else if (statusOf(was) === "failed" && hasVerdict(was) && statusOf(is) !== "pending") {
      broken.push(`A redriven document is ${statusOf(is)}: ${id}`);
    }
  }
  return broken;
}

async function documentsById(database: TestDatabase): Promise<Map<string, Uint8Array>> {
  const found = await jobs(database).find({}, { raw: true }).toArray();
  return new Map(
    found.map((bytes: Uint8Array) => [new Uint8Array(elementNamed(bytes, "_id")!.value).toHex(), bytes]),
  );
}

/** One that the agent made a dead letter of. */
function hasVerdict(document: Uint8Array): boolean {
  const pull = elementNamed(document, "_pull");
  return pull?.type === 0x03 && elementNamed(pull.value, "dead_at")?.type === 0x09;
}

function unchanged(document: Uint8Array): Uint8Array {
  const fields = elementsOf(document).filter(({ name }) => !CHANGED.includes(new TextDecoder().decode(name)));
  return bsonDocument(fields);
}
