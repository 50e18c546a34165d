/**
 * The examples that add up orders, and what each has to make of the sample orders.
 *
 * @module
 */

import { EJSON } from "bson";
import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "./agent_home.ts";
import { GO, NPM, PYTHON } from "./languages.ts";
import { testDatabase } from "./mongod.ts";
import type { Requirement } from "./optional.ts";
import { TempDir } from "./temp_dir.ts";

const EXAMPLES = new URL("../../examples", import.meta.url).pathname;

/** The first order of `examples/orders.jsonl` has this total without tax. */
const FIRST_TOTAL = 224.5;

/** An example that adds up orders: it is built in a folder of its own, and named by `PROCESSOR`. */
export interface Example {
  name: string;
  needs?: Requirement;
  /** The folder of examples/ that is copied. */
  folder?: string;
  build?: string[][];
  /** `PROCESSOR`; `DIR` in it is that folder. */
  processor: string;
  /** The error of an order without lines. */
  refusal: RegExp;
}

/** Those that run as they are. */
export const PLAIN_EXAMPLES: readonly Example[] = [
  {
    name: "examples/order_totals.js",
    processor: `module:${EXAMPLES}/order_totals.js`,
    refusal: /^the order has no lines/,
  },
  {
    name: "examples/order_totals.py",
    needs: PYTHON,
    processor: `exec:python3 ${EXAMPLES}/order_totals.py`,
    refusal: /^the order has no 'lines'$/,
  },
];

/** Those that are built first. */
export const BUILT_EXAMPLES: readonly Example[] = [
  {
    name: "examples/typescript, bundled by esbuild,",
    needs: NPM,
    folder: "typescript",
    build: [["npm", "install", "--no-audit", "--no-fund"], ["npm", "run", "build"]],
    processor: "module:DIR/order_totals.js",
    refusal: /Invalid input: expected array, received undefined\s+→ at lines/,
  },
  {
    name: "examples/typescript, bundled by Deno,",
    needs: NPM,
    folder: "typescript",
    build: [
      [Deno.execPath(), "install"],
      [Deno.execPath(), "check", "order_totals.ts"],
      [Deno.execPath(), "bundle", "--platform", "deno", "-o", "order_totals.js", "order_totals.ts"],
    ],
    processor: "module:DIR/order_totals.js",
    refusal: /Invalid input: expected array, received undefined\s+→ at lines/,
  },
  {
    name: "examples/go",
    needs: GO,
    folder: "go",
    build: [["go", "build", "-o", "worker", "."]],
    processor: "exec:DIR/worker",
    refusal: /^the order has no lines$/,
  },
];

/** Builds an example in a folder of its own, and has an agent process the sample orders and one without lines with it. */
export async function assertAddsUp({ folder, build = [], processor, refusal }: Example): Promise<void> {
  await using dir = await TempDir.make();
  if (folder !== undefined) {
    for await (const { name: file } of Deno.readDir(`${EXAMPLES}/${folder}`)) {
      await Deno.copyFile(`${EXAMPLES}/${folder}/${file}`, `${dir.path}/${file}`);
    }
  }
  for (const [program, ...args] of build) await succeeds(program!, args, dir.path);

  await using db = await testDatabase("order examples");
  const orders = db.db.collection("documents");
  const samples = (await Deno.readTextFile(`${EXAMPLES}/orders.jsonl`)).trim().split("\n")
    .map((line) => ({ ...EJSON.parse(line), status: "pending" }));
  await orders.insertMany([...samples, { _id: "none", country: "DE", status: "pending" }]);
  await using home = await agentHome({ db, env: { PROCESSOR: processor.replace("DIR", dir.path) } });
  const { stdout } = await home.run("run", "--until-empty");
  assertEquals(await orders.countDocuments({ status: "processed" }), samples.length, stdout);
  const first = await orders.findOne({ _id: samples[0]!._id });
  assertEquals(first!.subtotal ?? first!.total, FIRST_TOTAL);
  const [failed, ...others] = await orders.find({ status: "failed" }).toArray();
  assertEquals([failed!._id, failed!._pull.attempts, others], ["none", 1, []]);
  assertMatch(failed!.error, refusal);
}

async function succeeds(program: string, args: string[], cwd: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  }
}
