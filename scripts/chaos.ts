/**
 * Disturbs agents and the three members of their replica set in every way, one row after the other, and reports what was
 * lost and what was done twice:
 * `chaos.ts [--seconds 900 | --hours 6] [--only ROWS] [--seed N] [--before COMMIT] [--records DIRECTORY] [--out DIRECTORY] [--list]`.
 *
 * The time is that of all rows together. With `--out docs`, the results are kept in `reliability.json` and go into the table
 * of `reliability.md`. `--records` says where the records of the witness are kept; those of a row with a problem stay in any
 * case.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { binaryOf, lastRelease } from "../tests/chaos/before.ts";
import { chaos } from "../tests/chaos/chaos.ts";
import { conditionsOf } from "../tests/chaos/conditions.ts";
import { reportText, resultText } from "../tests/chaos/report.ts";
import { keepResults } from "../tests/chaos/results.ts";
import type { Row } from "../tests/chaos/row.ts";
import { ROWS } from "../tests/chaos/rows.ts";

/** The rows of `--only`. */
function chosen(only: string | undefined): readonly Row[] {
  if (only === undefined) return ROWS;
  return only.split(",").map((name) => {
    const row = ROWS.find((each) => each.name === name);
    if (row) return row;
    console.error(`chaos: there is no row ${name}: use ${ROWS.map((each) => each.name).join(", ")}`);
    Deno.exit(2);
  });
}

const options = parseArgs(Deno.args, {
  boolean: ["list"],
  string: ["before", "hours", "only", "out", "records", "seconds", "seed"],
  default: { seconds: "900", seed: String(crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1) },
});
if (options.list) {
  for (const { name, what } of ROWS) console.log(`${name.padEnd(18)}${what}`);
  Deno.exit(0);
}
const rows = chosen(options.only);
const seconds = options.hours === undefined ? Number(options.seconds) : Number(options.hours) * 3600;
if (!(seconds > 0)) {
  console.error("chaos: --seconds and --hours take a number above 0");
  Deno.exit(2);
}
const commit = options.before ?? await lastRelease();
const binary = new URL("../dist/pulling-agent", import.meta.url).pathname;
// The tests' own helpers look here.
Deno.env.set("TEST_AGENT_BINARY", binary);
const records = options.records ?? await Deno.makeTempDir({ prefix: "chaos-records-" });
console.log(`chaos: --seed ${options.seed}`);
const report = await chaos({
  rows,
  seconds,
  seed: Number(options.seed),
  before: commit === undefined ? undefined : await binaryOf(commit),
  dir: records,
  async onResult(result, { client }) {
    console.log(resultText(result));
    if (options.records === undefined && result.problems.length === 0) {
      await Deno.remove(`${records}/${result.name}`, { recursive: true });
    }
    if (options.out !== undefined) {
      await keepResults([result], await conditionsOf(client, binary), options.out);
    }
  },
  print: console.log,
});
console.log(reportText(report));
const isFine = report.problems.length === 0;
if (options.records !== undefined || !isFine) console.log(`The records of the witness are in ${records}`);
else await Deno.remove(records, { recursive: true });
Deno.exit(isFine ? 0 : 1);
