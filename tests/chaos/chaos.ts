/**
 * Runs rows of the chaos, one after the other, on one replica set.
 *
 * @module
 */

import type { MongoClient } from "mongodb";
import { seededRandom } from "../support/random.ts";
import { ReplicaSet } from "./replica_set.ts";
import type { Row } from "./row.ts";
import type { RowResult } from "./row_result.ts";
import { missingFor, runRow } from "./run_row.ts";

/** What to do, and for how long. */
export interface ChaosOptions {
  readonly rows: readonly Row[];
  /** Time of all rows together, in which things are disturbed. */
  readonly seconds: number;
  readonly seed: number;
  /** The executable of the version before. */
  readonly before: string | undefined;
  /** The witness's records of each row are kept in a directory of this one. */
  readonly dir: string;
  /** Called with the result of each row when it is over, and a client of the members. */
  onResult(result: RowResult, world: { client: MongoClient }): Promise<void> | void;
  /** Called with the progress. */
  print(text: string): void;
}

/** What came of it. */
export interface ChaosReport {
  readonly results: RowResult[];
  /** Everything that must not be, with the row that it is of. */
  readonly problems: string[];
  /** Rows that this machine cannot run. */
  readonly skipped: string[];
}

/**
 * Runs them. Rows that this machine cannot run are left out, and it says so. A row that fails by itself is a problem, and the
 * others go on.
 */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { before, dir, onResult, print, rows, seconds, seed } = options;
  const report: ChaosReport = { results: [], problems: [], skipped: [] };
  const able: Row[] = [];
  for (const row of rows) {
    const lack = await missingFor(row, before);
    if (lack === undefined) {
      able.push(row);
    } else {
      print(`SKIP ${row.name}: it needs ${lack}`);
      report.skipped.push(row.name);
    }
  }
  await using set = await ReplicaSet.start();
  await using client = set.client();
  for (const row of able) {
    // Each row draws the same numbers, no matter which others are run.
    const random = seededRandom(seed);
    const witnessDir = `${dir}/${row.name}`;
    await Deno.mkdir(witnessDir, { recursive: true });
    try {
      const result = await runRow(row, { set, seconds: seconds / able.length, random, before, witnessDir });
      report.results.push(result);
      report.problems.push(...result.problems.map((problem) => `${row.name}: ${problem}`));
      await onResult(result, { client });
    } catch (error) {
      print(`${row.name} failed: ${Deno.inspect(error)}`);
      report.problems.push(`${row.name}: ${error}`);
      await set.failCommands("off");
      await set.untilHealthy();
    }
  }
  return report;
}
