/**
 * Measures the dashboard with two million documents that wait and 200,000 dead letters, and twenty viewers: how long each
 * answer takes, and the first paint in Chromium. Prints the tables of docs/dashboard.md: `main.ts [--uri URI]`, where the
 * server of the URI has the documents already in its database `shop`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { MongoClient } from "mongodb";
import { table } from "../../scripts/markdown_table.ts";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "../../tests/support/agent_home.ts";
import { startDashboard } from "../../tests/support/dashboard_process.ts";
import { number } from "../numbers.ts";
import { cpuMs } from "../proc.ts";
import { measureAnswers } from "./answers.ts";
import { measureFirstPaint } from "./first_paint.ts";
import { insertMillions } from "./millions.ts";

const DATABASE = "shop";
const ROOT = new URL("../..", import.meta.url).pathname;

Deno.env.set("TEST_AGENT_BINARY", Deno.env.get("TEST_AGENT_BINARY") ?? `${ROOT}dist/pulling-agent`);
const { uri } = parseArgs(Deno.args, { string: ["uri"] });
await using server = uri === undefined ? await startMongod({ replicaSet: true, onDisk: true }) : undefined;
const db = { uri: uri ?? server!.uri, name: DATABASE };
await using client = new MongoClient(db.uri);
await using home = await agentHome({ db });
if (uri === undefined) {
  await client.db(DATABASE).createCollection("documents");
  // It makes the indexes.
  const agent = await home.startReady();
  agent.signal("SIGTERM");
  await agent.exit();
  await insertMillions(client.db(DATABASE));
}
const { address, process } = await startDashboard(home, { args: ["--allow-actions"] });
const { pid } = await client.db("admin").command({ serverStatus: 1 });
const answers = await measureAnswers(address, async () => {
  const each = await Promise.all([process.pid, Number(pid)].map(cpuMs));
  return each.reduce((sum, ms) => sum + ms, 0);
});
console.log(table(
  ["Answer", "Median", "Longest", "CPU of 20 at once", "Bytes"],
  answers.map(({ answer, bytes, cpu, median, most }) => [
    answer,
    `${number(median)} ms`,
    `${number(most)} ms`,
    `${number(cpu)} ms`,
    number(bytes),
  ]),
));
const paint = await measureFirstPaint(address);
console.log(
  `First paint: ${number(paint.median)} ms, at most ${
    number(paint.most)
  } ms; the numbers of the fleet after ` +
    `${number(paint.numbers)} ms; ${number(paint.bytes)} bytes over the wire`,
);
