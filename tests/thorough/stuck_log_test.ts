import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** A handler that says much, in its log and on the console: more than any pipe holds. */
const TALKATIVE = `
  const much = "x".repeat(7000);
  export default async ({ _id }, { log }) => {
    mark("start " + _id);
    for (let line = 0; line < 50; line++) log.info("said", { much, line });
    console.log(much); console.warn(much);
    if (_id === 1) {
      while (!(await Deno.stat(Deno.env.get("MARKS") + ".go").catch(() => null))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    mark("end " + _id);
  };`;

/** Ways of standard output to take no more lines, as a script around the agent, which writes the exit status to `$CODE`. */
const OUTPUTS = {
  "a pipe that nobody reads": '{ "$@"; echo "$?" >"$CODE"; } | sleep 3600',
  "a pipe whose reader has ended": '{ "$@"; echo "$?" >"$CODE"; } | true',
  "a full device": '"$@" >/dev/full; echo "$?" >"$CODE"',
  "a closed output": '"$@" >&-; echo "$?" >"$CODE"',
  "a limit on the size of files": '(ulimit -f 64; exec "$@" >>"$CODE.log"); echo "$?" >"$CODE"',
};

for (const [what, script] of Object.entries(OUTPUTS)) {
  Deno.test(`Output: an agent whose log meets ${what} goes on, keeps its leases, and drains in time`, async () => {
    await using db = await testDatabase("stuck log");
    const documents = await insertPending(db, upTo(5));
    // A busy machine may take seconds for a renewal.
    const leaseMs = 5000;
    const env = { LEASE_DURATION: `${leaseMs / 1000}` };
    await using home = await agentHome({ db, module: TALKATIVE, env });
    const wrapper = ["sh", "-c", script, "sh"];
    const agent = await home.start({ wrapper, env: { CODE: `${home.dir}/code` } });
    await home.untilMarked("start 1");
    const { pid } = await agent.untilStatus("four to be done", ({ counters }) => counters.processed === 4);
    // Longer than the lease: a second agent would take over what is not renewed.
    const since = (await documents.findOne({ _id: 1 }) as unknown as Leased)._pull.visible_at;
    await waitFor("the lease to be renewed past its first end", async () => {
      const { _pull } = await documents.findOne({ _id: 1 }) as unknown as Leased;
      return _pull.visible_at.getTime() - since.getTime() > leaseMs;
    });
    Deno.kill(pid, "SIGTERM");
    await agent.untilStatus("the drain", ({ state }) => state === "draining");
    await Deno.writeTextFile(`${home.marksFile}.go`, "");
    assertEquals((await waitFor("it to end", () => Deno.readTextFile(`${home.dir}/code`))).trim(), "0");

    const marks = (await home.marks()).map(({ text }) => text);
    assertEquals(marks.length, 10, "each document was run once");
    assertEquals(await documents.countDocuments({ status: "processed", _pull: { attempts: 1 } }), 5);
  });
}

interface Leased {
  _pull: { visible_at: Date };
}

Deno.test("Output: an agent says how many lines were lost as soon as the log can be written again", async () => {
  await using db = await testDatabase("lost lines");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db, module: TALKATIVE.replace("_id === 1", "false") });
  const log = `${home.dir}/log`;
  const wrapper = ["sh", "-c", `ulimit -f 64; exec "$@" >>"${log}"`, "sh"];
  const agent = await home.start({ wrapper });
  await agent.untilStatus("it to be done", ({ counters }) => counters.processed === 1);
  await Deno.truncate(log, 0);
  await documents.insertOne({ _id: 2, status: "pending" });
  const text = await waitFor("the loss to be told", async () => {
    const text = await Deno.readTextFile(log);
    if (text.includes("Log lines were lost")) return text;
    // What comes meanwhile may have filled it again.
    await Deno.truncate(log, 0);
  });
  const [line] = text.split("\n").filter((line) => line.includes("Log lines were lost"));
  const { level, lines, reason } = JSON.parse(line!);
  assertEquals(level, "WARNING");
  assert(lines > 0);
  assertStringIncludes(reason, "File too large");
});

Deno.test("Output: an agent keeps its log and its health when a module breaks the console and JSON", async () => {
  await using db = await testDatabase("broken console");
  await insertPending(db, upTo(3));
  await using home = await agentHome({
    db,
    module: `
      const broken = () => { throw new Error("broken by the module"); };
      for (const name of Object.keys(console)) console[name] = broken;
      JSON.stringify = broken;
      export default (_, { log }) => log.info("still said", { nested: { a: 1 } });`,
  });
  const agent = await home.startReady();
  await agent.log(({ message, nested }) => message === "still said" && nested !== undefined);
  await agent.untilStatus("all to be done", ({ counters }) => counters.processed === 3);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  await agent.log("Agent is stopped");
});

Deno.test("Output: the last lines of an agent are there when it ends, however many came at once", async () => {
  await using db = await testDatabase("last lines");
  await insertPending(db, [1]);
  const module = `export default (_, { log }) => {
    for (let line = 1; line <= 5000; line++) log.info("line " + line);
  };`;
  await using home = await agentHome({ db, module });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0);
  const lines = agent.entries.map(({ message }) => message).filter((message) => message.startsWith("line "));
  assertEquals(lines, Array.from({ length: 5000 }, (_, index) => `line ${index + 1}`));
  assertEquals(agent.entries.at(-1)!.message, "Nothing claimable is left");
});

Deno.test("Output: an agent with a log that is not read ends although its module goes on printing", async () => {
  await using db = await testDatabase("printing to the end");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `const much = "x".repeat(100_000);
      setInterval(() => console.log(much), 1);
      export default () => new Promise((resolve) => setTimeout(resolve, 50));`,
  });
  const script = '{ "$@"; echo "$?" >"$CODE"; } | sleep 3600';
  const wrapper = ["sh", "-c", script, "sh"];
  await home.start({ wrapper, args: ["run", "--until-empty"], env: { CODE: `${home.dir}/code` } });
  assertEquals((await waitFor("it to end", () => Deno.readTextFile(`${home.dir}/code`))).trim(), "0");
});

Deno.test("Output: an agent with a log without a reader ends although its module prints much at the very end", async () => {
  await using db = await testDatabase("printing at the end");
  await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: `const much = "x".repeat(7000);
      globalThis.addEventListener("unload", () => {
        for (let line = 0; line < 100; line++) console.error(much);
        mark("printed");
      });
      export default () => {};`,
    // So few lines before that the pipe takes them all.
    env: { LOG_LEVEL: "ERROR" },
  });
  const script = '{ "$@"; echo "$?" >"$CODE"; } | sleep 3600';
  const wrapper = ["sh", "-c", script, "sh"];
  const agent = await home.start({ wrapper, env: { CODE: `${home.dir}/code` } });
  const { pid } = await agent.untilStatus("it to be done", ({ counters }) => counters.processed === 1);
  Deno.kill(pid, "SIGTERM");
  await home.untilMarked("printed");
  assertEquals((await waitFor("it to end", () => Deno.readTextFile(`${home.dir}/code`))).trim(), "0");
});

Deno.test("Output: an agent works, and ends when it is told to, with the timers of a test library that never fire", async () => {
  await using db = await testDatabase("broken timers");
  const documents = await insertPending(db, upTo(3));
  await using home = await agentHome({
    db,
    module: `
      globalThis.setTimeout = globalThis.setInterval = () => 1;
      globalThis.clearTimeout = globalThis.clearInterval = () => {};
      export default () => {};`,
  });
  const agent = await home.startReady();
  await waitFor("all to be done", async () => await documents.countDocuments({ status: "processed" }) === 3);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Output: an agent keeps its leases with the clocks of a test library that stand still, and with loaded dice", async () => {
  await using db = await testDatabase("broken clocks");
  const documents = await insertPending(db, upTo(1));
  await using home = await agentHome({
    db,
    module: `
      performance.now = () => 5;
      Math.random = () => NaN;
      export default async ({ _id }) => {
        mark("start " + _id);
        while (!(await Deno.stat(Deno.env.get("MARKS") + ".go").catch(() => null))) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };`,
    env: { LEASE_DURATION: "1s", POLL_INTERVAL: "100ms" },
  });
  const agent = await home.startReady();
  const leaseEndMs = async () => Number((await documents.findOne({}))?._pull?.visible_at);
  await home.untilMarked("start 1");
  const firstMs = await leaseEndMs();
  await waitFor("three leases to have passed", async () => await leaseEndMs() > firstMs + 3000);
  await Deno.writeTextFile(`${home.marksFile}.go`, "");
  const { counters } = await agent.untilStatus("it to be done", ({ counters }) => counters.processed === 1);
  assertEquals(counters.takeovers, 0);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});
