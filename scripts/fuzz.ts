/**
 * Tries random documents, settings, control files, results and server errors on the program, and reports what breaks:
 * `fuzz.ts [--seconds 60] [--seed N] [--only documents,servers] [--rounds N]`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { AREAS } from "../tests/fuzz/areas.ts";
import { type AreaReport, fuzz, reportText } from "../tests/fuzz/fuzz.ts";
import { startMongod } from "./mongod.ts";

const SHRINK_MS = 30_000;

/** The areas of `--only`. */
function chosen(only: string | undefined): typeof AREAS {
  if (only === undefined) return AREAS;
  return only.split(",").map((name) => {
    const area = AREAS.find((each) => each.name === name);
    if (area) return area;
    console.error(`fuzz: there is no area ${name}: use ${AREAS.map((each) => each.name).join(", ")}`);
    Deno.exit(2);
  });
}

const { only, rounds, seconds, seed } = parseArgs(Deno.args, {
  string: ["only", "rounds", "seconds", "seed"],
  default: { seconds: "60", seed: String(crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1) },
});
const areas = chosen(only);
const server = await startMongod({ replicaSet: true, testCommands: true });
let reports: AreaReport[];
try {
  // The tests' own helpers look here.
  Deno.env.set("TEST_MONGODB_URI", server.uri);
  Deno.env.set("TEST_AGENT_BINARY", new URL("../dist/pulling-agent", import.meta.url).pathname);
  reports = await fuzz({
    areas,
    world: { uri: server.uri },
    seconds: Number(seconds),
    seed: Number(seed),
    rounds: rounds === undefined ? undefined : Number(rounds),
    shrinkMs: SHRINK_MS,
    print: console.log,
  });
} finally {
  await server.stop();
}
console.log(reportText(reports));
Deno.exit(reports.some(({ findings }) => findings.length > 0) ? 1 : 0);
