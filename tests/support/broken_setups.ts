/** Set-ups that are broken, made for real: what the doctor finds, and that what it prints mends them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Patient, type PatientOptions } from "./doctor.ts";
import { type TestDatabase, testDatabase } from "./mongod.ts";
import { jobs, makeIndexes, openStore, pending } from "./store.ts";

/** A set-up that is broken, made for real, and what is found of it. */
export interface Broken {
  setUp?(database: TestDatabase): Promise<unknown>;
  env?: Record<string, string>;
  /** Facts that no setting tells. */
  known?: PatientOptions;
  is: string;
  level: "stops" | "hurts" | "note";
  says: RegExp;
  /** What an operator does who follows advice that no command can. */
  byHand?(patient: Patient): void;
  /** The collection, with the indexes and some documents, is not made before. */
  isBare?: boolean;
}

async function make(database: TestDatabase, { isBare, setUp }: Broken): Promise<void> {
  if (!isBare) {
    await using store = openStore(database);
    await makeIndexes(database, store);
    await jobs(database).insertMany(pending(3));
  }
  await setUp?.(database);
}

/** Makes the set-up, asks the doctor, does what it prints, and asks again. */
export async function assertMended(spec: Broken): Promise<void> {
  await using database = await testDatabase("doctor");
  await make(database, spec);
  const { OPTIONS = "", ...env } = spec.env ?? {};
  const [address, query = ""] = database.uri.split("?");
  await using patient = await Patient.of(
    { name: database.name, uri: `${address}?${query}${OPTIONS}` },
    env,
    spec.known,
  );
  const before = await patient.diagnose();
  const found = before.findings.filter(({ is }) => is === spec.is);
  assert(found.length > 0, JSON.stringify(before, undefined, 1));
  assertMatch(found[0]!.says, spec.says);
  assertEquals([found[0]!.level, before.canWork], [spec.level, spec.level !== "stops"]);
  for (const each of found) await patient.mend(each, database.client);
  spec.byHand?.(patient);
  const after = await patient.diagnose();
  assert(
    after.canWork && after.findings.every(({ is }) => is !== spec.is),
    JSON.stringify(after, undefined, 1),
  );
}
