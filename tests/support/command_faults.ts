/**
 * Commands in a world where a file, a directory, a setting or MongoDB is not as it should be.
 *
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { agentHome, type CommandResult } from "./agent_home.ts";
import { testUri } from "./mongod.ts";

const PASSWORD = "s3cr3t-Passw0rd";

const host = () => new URL(testUri().replace("mongodb:", "http:")).host;

/** What is wrong with the world: settings, and files of the home's that are made beforehand. */
interface Fault {
  env(dir: string): Record<string, string>;
  prepare?(dir: string): Promise<void>;
  /** `run` goes on in this world, and says what is wrong in its log. */
  runGoesOn?: boolean;
}

const uriFault = (uri: () => string): Fault => ({ env: () => ({ MONGODB_URI: uri() }), runGoesOn: true });
const refusedUri = (uri: () => string): Fault => ({ env: () => ({ MONGODB_URI: uri() }) });

/** Files of the health directory that say nothing that can be used. */
const withHealth = (files: Record<string, string>): Fault => ({
  env: () => ({}),
  runGoesOn: true,
  prepare: async (dir) => {
    await Deno.mkdir(`${dir}/health`);
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${dir}/health/${name}`, text);
  },
});

/** A named pipe that no program ever opens the other end of. */
const withPipe = (name: string): Fault => ({
  env: () => ({}),
  prepare: async (dir) => {
    await Deno.mkdir(`${dir}/health`);
    const { success } = await new Deno.Command("mkfifo", { args: [`${dir}/${name}`] }).output();
    assert(success);
  },
});

/** What can be wrong, by a name for it. */
export const FAULTS: Record<string, Fault> = {
  "HEALTH_DIR below a file": {
    env: (dir) => ({ HEALTH_DIR: `${dir}/file/health` }),
    prepare: (dir) => Deno.writeTextFile(`${dir}/file`, ""),
  },
  "HEALTH_DIR that is a file": {
    env: (dir) => ({ HEALTH_DIR: `${dir}/file` }),
    prepare: (dir) => Deno.writeTextFile(`${dir}/file`, ""),
  },
  "HEALTH_DIR of the kernel": { env: () => ({ HEALTH_DIR: "/sys" }) },
  "HEALTH_DIR that is a device": { env: () => ({ HEALTH_DIR: "/dev/full" }) },
  "HEALTH_DIR in /proc": { env: () => ({ HEALTH_DIR: "/proc/pulling-agent" }) },
  "HEALTH_DIR in a circle of links": {
    env: (dir) => ({ HEALTH_DIR: `${dir}/circle/health` }),
    prepare: (dir) => Deno.symlink("circle", `${dir}/circle`),
  },
  "HEALTH_DIR with a name that is too long": { env: (dir) => ({ HEALTH_DIR: `${dir}/${"x".repeat(300)}` }) },
  "health files that are garbage": withHealth({
    "status.json": "\u0000\uffff{",
    liveness: "x",
    "agent.lock": "x",
  }),
  "a status that is another program's": withHealth({ "status.json": '{"pid":"one"}' }),
  "status.json that is a directory": {
    env: () => ({}),
    prepare: (dir) => Deno.mkdir(`${dir}/health/status.json/x`, { recursive: true }),
  },
  "a lock that is a directory": {
    env: () => ({}),
    prepare: (dir) => Deno.mkdir(`${dir}/health/agent.lock`, { recursive: true }),
  },
  "a lock that is a pipe": withPipe("health/agent.lock"),
  "a status that is a pipe": { ...withPipe("health/status.json"), runGoesOn: true },
  "a turn of the commands that is a pipe": { ...withPipe("health/commands.lock"), runGoesOn: true },
  "MONGODB_URI_FILE that is a pipe without a writer": {
    ...withPipe("uri"),
    env: (dir) => ({ MONGODB_URI: "", MONGODB_URI_FILE: `${dir}/uri` }),
  },
  "MONGODB_URI_FILE that is a device": { env: () => ({ MONGODB_URI: "", MONGODB_URI_FILE: "/dev/zero" }) },
  "MONGODB_URI_FILE of the kernel": { env: () => ({ MONGODB_URI: "", MONGODB_URI_FILE: "/proc/self/mem" }) },
  "a CA file that is a pipe": {
    ...withPipe("ca.pem"),
    env: (dir) => ({ MONGODB_URI: `mongodb://host/?tls=true&tlsCAFile=${dir}/ca.pem` }),
  },
  "a CA file that is a device": refusedUri(() => "mongodb://host/?tls=true&tlsCAFile=/dev/zero"),
  "PROCESSOR that is a pipe": {
    ...withPipe("pipe.js"),
    env: (dir) => ({ PROCESSOR: `module:${dir}/pipe.js` }),
  },
  "no MONGODB_URI": { env: () => ({ MONGODB_URI: "" }) },
  "MONGODB_URI_FILE that does not exist": {
    env: () => ({ MONGODB_URI: "", MONGODB_URI_FILE: "/nowhere/uri" }),
  },
  "MONGODB_URI_FILE that is a directory": { env: () => ({ MONGODB_URI: "", MONGODB_URI_FILE: "/tmp" }) },
  "a missing CA file": refusedUri(() => `mongodb://u:${PASSWORD}@host/?tls=true&tlsCAFile=/nowhere/ca.pem`),
  "a CA file that is a directory": refusedUri(() => `mongodb://host/?tls=true&tlsCAFile=/tmp`),
  "an option that does not work here": refusedUri(() => "mongodb://host/?compressors=snappy"),
  "an unknown SRV name": uriFault(() => `mongodb+srv://u:${PASSWORD}@no-such.example.invalid/`),
  "an unknown host": uriFault(() => `mongodb://u:${PASSWORD}@no-such-host.invalid/`),
  "a closed port": uriFault(() => `mongodb://u:${PASSWORD}@127.0.0.1:1/`),
  "a wrong password": uriFault(() => `mongodb://u:${PASSWORD}@${host()}/`),
  "a wrong set name": uriFault(() => `mongodb://${host()}/?replicaSet=nope`),
  "TLS against a server without it": uriFault(() => `mongodb://${host()}/?tls=true&directConnection=true`),
  "PROCESSOR that does not exist": { env: () => ({ PROCESSOR: "module:/nowhere/processor.js" }) },
  "CONTROL_FILE that is a directory": { env: () => ({ CONTROL_FILE: "/tmp" }) },
};

/**
 * Checks that neither the agent nor these calls take a fault for a bug, show a stack, or show the password: each tells
 * in words what is wrong.
 */
export async function assertToldByAll(name: string, calls: readonly string[][]): Promise<void> {
  const fault = FAULTS[name]!;
  await using home = await agentHome({ db: { uri: testUri(), name: "faults" } });
  await fault.prepare?.(home.dir);
  const env = fault.env(home.dir);
  const ending = fault.runGoesOn ? calls.filter(([command]) => command !== "run") : [["run"], ...calls];
  await Promise.all([
    ...ending.map(async (args) => {
      assertToldPlainly(await home.runWith({ args, env }), `pulling-agent ${args.join(" ")} with ${name}`);
    }),
    fault.runGoesOn && assertRunTellsPlainly(name, fault),
  ]);
}

/** `run` in a home of its own, so that the commands find no agent in theirs. */
async function assertRunTellsPlainly(name: string, fault: Fault): Promise<void> {
  await using home = await agentHome({ db: { uri: testUri(), name: "faults" } });
  await fault.prepare?.(home.dir);
  const agent = await home.start({ env: fault.env(home.dir) });
  await agent.log((entry) => entry.level === "WARNING" || entry.message.includes("in reach"));
  agent.signal("SIGTERM");
  const { code } = await agent.exit();
  assertEquals(code, 0, agent.output);
  assertToldPlainly({ code, stdout: "", stderr: agent.output }, `pulling-agent run with ${name}`);
}

function assertToldPlainly({ code, stdout, stderr }: CommandResult, what: string): void {
  const said = stdout + stderr;
  assert([0, 1, 2].includes(code), `${what} exits with ${code}: ${said}`);
  assertFalse(/this is a bug/.test(said), `${what}: ${said}`);
  assertFalse(/^ {4}at |panicked|Stack backtrace/m.test(said), `${what}: ${said}`);
  assertFalse(/--allow-(?!actions)|deno compile|undefined/.test(said), `${what}: ${said}`);
  assertFalse(said.includes(PASSWORD), `${what}: ${said}`);
  if (code !== 0) assert(said.trim().length > 0, `${what} fails without a word`);
}
