/**
 * Modules that take away or replace what is built in, which the agent needs, too.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "./agent_home.ts";
import { documentsOf, insertPending, upTo } from "./documents.ts";
import { type TestDatabase, testDatabase } from "./mongod.ts";
import { type AnyDocument, expireLeases } from "./store.ts";

/** What a module may do to what is built in, by the name that the agent tells. */
export const REMOVALS: Record<string, string> = {
  "Array.prototype.map": "delete Array.prototype.map",
  "Array.prototype[Symbol(Symbol.iterator)]": "delete Array.prototype[Symbol.iterator]",
  "Date": "globalThis.Date = undefined",
  "JSON.stringify": "JSON.stringify = undefined",
  "Map.prototype.get": "delete Map.prototype.get",
  "Object.prototype.status":
    "Object.defineProperty(Object.prototype, 'status', { set() {}, configurable: true })",
  "Promise.prototype.then": "delete Promise.prototype.then",
  "Set.prototype.has": "Set.prototype.has = 1",
  "String.prototype.slice": "delete String.prototype.slice",
  "TextEncoder": "delete globalThis.TextEncoder",
  "%TypedArray%.prototype.set": "delete Object.getPrototypeOf(Uint8Array.prototype).set",
};

/** What the agent has functions of its own instead of. */
export const HARMLESS: readonly string[] = [
  "delete globalThis.setTimeout",
  "delete globalThis.structuredClone",
];

/** What is there still, and does not work, by the name that the agent tells. */
export const REPLACEMENTS: Record<string, string> = {
  "%TypedArray%.prototype.set":
    "Object.getPrototypeOf(Uint8Array.prototype).set = () => { throw new Error('broken'); }",
};

const MESSAGE = /^The processor's module has changed what is built in/;
const QUICK = { RETRY_BACKOFF: "0.01", RETRY_BACKOFF_MAX: "0.02", MAX_ATTEMPTS: "2" };

/** Runs a module on three documents until none is left; returns the status, the lines about built-ins, and the documents. */
async function runOn(db: TestDatabase, module: string) {
  await insertPending(db, upTo(3));
  await using home = await agentHome({ db, module, env: QUICK });
  const { code, stdout, stderr } = await home.run("run", "--until-empty");
  const lines = stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const documents: AnyDocument[] = await documentsOf(db).find().sort({ _id: 1 }).toArray();
  return {
    code,
    stderr,
    changed: lines.filter(({ message }) => MESSAGE.test(message)).map((
      { changed, level },
    ) => [level, changed]),
    documents: documents.map(({ status, _pull }) => [status, _pull?.attempts]),
    output: stdout + stderr,
  };
}

const PROCESSED = Array(3).fill(["processed", 1]);

/** Checks that a module that does this while it is loaded is refused in one sentence, which has the name of what it changed. */
export async function assertRefusedOnLoad(name: string, code: string): Promise<void> {
  await using db = await testDatabase("changed built-ins");
  const result = await runOn(db, `${code};\nexport default () => {};`);
  assertEquals(result.code, 2);
  const lines = result.stderr.trim().split("\n");
  assertEquals(lines.length, 1, result.stderr);
  assertMatch(lines[0]!, /processor\.js changes what is built in, which the agent needs, too \(/);
  assertEquals(lines[0]!.includes(`(${name})`), true, lines[0]);
  assertEquals(result.documents, Array(3).fill(["pending", undefined]));
}

/** Checks that a handler that does this costs no document an attempt, and that the agent names once what it changed. */
export async function assertNamedOnce(name: string, code: string): Promise<void> {
  await using db = await testDatabase("changed built-ins");
  const result = await runOn(db, `export default () => { ${code}; return { set: { n: 1 } }; };`);
  assertEquals([result.code, result.documents], [0, PROCESSED], result.output);
  assertEquals(result.changed, [["ERROR", name]]);
}

/** Checks that the agent has its own of what this code takes away, while the module is loaded and in a handler. */
export async function assertHarmless(code: string): Promise<void> {
  await using db = await testDatabase("changed built-ins");
  const result = await runOn(db, `${code};\nexport default () => { ${code}; };`);
  assertEquals([result.code, result.documents, result.changed], [0, PROCESSED, []], result.output);
}

/** Checks that a handler that does this in the midst of its work makes no document a dead letter. */
export async function assertCostsNoLetter(code: string): Promise<void> {
  await using db = await testDatabase("changed built-ins");
  const documents = await insertPending(db, upTo(3));
  const wait = "await new Promise((resolve) => wait(resolve, 20))";
  const module = `const wait = setTimeout;
    export default async () => { ${wait}; mark("run"); ${code}; ${wait}; };`;
  const env = { ...QUICK, SHUTDOWN_TIMEOUT: "1" };
  // The agent, or the runtime beneath it, may fail meanwhile: then the process ends, or releases what it holds.
  await using broken = await agentHome({ db, module, env });
  const agent = await broken.start();
  await broken.untilMarked("run");
  agent.signal("SIGTERM");
  await agent.exit().catch(() => agent.kill9());
  const found: AnyDocument[] = await documents.find().toArray();
  for (const { status, _pull: { attempts = 0 } = {} } of found) {
    assert(status !== "failed" && attempts <= 1, agent.output);
  }
  assertEquals(agent.output.includes("this is a bug"), false, agent.output);
  await expireLeases(documentsOf(db));
  await using home = await agentHome({ db, module: "export default () => {};", env: QUICK });
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 3);
}
