/**
 * Judges a run again, from the files that a witness has kept: `main.ts DIR`.
 *
 * @module
 */

import { judgeFiles } from "./judge_files.ts";
import { tableOf } from "./table.ts";

const verdict = await judgeFiles(Deno.args[0] ?? ".");
console.log(tableOf(verdict));
Deno.exit(verdict.ok ? 0 : 1);
