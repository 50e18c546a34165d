import { assertEquals } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { GATED, MARKING } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing, PID_NAMESPACE } from "../support/optional.ts";
import { readProc } from "../support/proc.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(PID_NAMESPACE);
const CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const ALL_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** An agent that is PID 1 of a namespace of its own. */
interface Contained {
  agent: AgentProcess;
  /** Its process id as seen from here. */
  pid: number;
}

async function startContained(home: AgentHome): Promise<Contained> {
  const agent = await home.start({ wrapper: CONTAINER });
  const pid = await waitFor("the process in the namespace", async () => {
    const children = await readProc(`/proc/${agent.pid}/task/${agent.pid}/children`);
    return Number(children.trim());
  });
  return { agent, pid };
}

/** Standard output is a pipe at the path `$0` that is full and that no reader empties. */
const UNREAD = ["sh", "-c", 'mkfifo "$0"; exec 3<>"$0"; head -c 65536 /dev/zero >&3; exec "$@" >&3'];

/**
 * The process in the namespace as seen from here, once it waits for its reader. It listens by then; the runtime's own
 * handler of the signal, which is there earlier, ends PID 1 by a fault.
 */
async function waitingChildOf(pid: number): Promise<number> {
  return await waitFor("a process in the namespace that waits for its reader", async () => {
    const child = Number((await readProc(`/proc/${pid}/task/${pid}/children`)).trim());
    // Deno reads no directory there: a shell finds the threads.
    const args = ["-c", 'cat "/proc/$0/task/"*/syscall', String(child)];
    const { stdout } = await new Deno.Command("sh", { args }).output();
    return WRITES_TO_STDOUT.test(new TextDecoder().decode(stdout)) ? child : undefined;
  });
}

/** What a thread does that is within `write(1, ...)`: the call's number on x86-64 or arm64, and its first argument. */
const WRITES_TO_STDOUT = /^(1|64) 0x1 /m;

for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  Deno.test({
    name: `PID 1: a command that waits for its reader ends at ${signal}`,
    ignore,
    fn: async () => {
      await using home = await agentHome({ db: { uri: "mongodb://127.0.0.1:1/", name: "none" } });
      const wrapper = [...UNREAD, `${home.dir}/pipe`, ...CONTAINER];
      const command = await home.start({ wrapper, args: ["help"] });
      Deno.kill(await waitingChildOf(command.pid), signal);
      assertEquals((await command.exit()).code, status, command.output);
    },
  });
}

for (const signal of ALL_SIGNALS) {
  Deno.test({
    name: `PID 1: the agent takes ${signal} from the moment it listens on, and stops in good order`,
    ignore,
    fn: async () => {
      await using db = await testDatabase(`pid 1 ${signal}`);
      await using home = await agentHome({ db });
      const { agent, pid } = await startContained(home);
      await agent.untilListening(pid);
      Deno.kill(pid, signal);
      if (signal === "SIGUSR1") await agent.log("Paused");
      if (signal === "SIGUSR2") await agent.log("Agent is running");
      if (signal.startsWith("SIGUSR")) Deno.kill(pid, "SIGTERM");
      assertEquals((await agent.exit()).code, 0, agent.output);
      await agent.log("Drained");
    },
  });
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test({
    name: `PID 1: the agent drains on ${signal}`,
    ignore,
    fn: async () => {
      await using db = await testDatabase(`pid 1 ${signal}`);
      const documents = await insertPending(db, upTo(3));
      await using home = await agentHome({ db, module: GATED, env: { CONCURRENCY: "1" } });
      const { agent, pid } = await startContained(home);
      await home.untilMarked("start 1");
      Deno.kill(pid, signal);
      assertEquals((await agent.log("Draining")).reason, signal);
      await home.write("marks.go", "");
      assertEquals((await agent.exit()).code, 0);
      assertEquals(await documents.countDocuments({ status: "processed" }), 1);
      assertEquals(await documents.countDocuments({ status: "pending" }), 2);
    },
  });
}

Deno.test({
  name: "PID 1: the agent is forced by a second signal",
  ignore,
  fn: async () => {
    await using db = await testDatabase("pid 1 force");
    const documents = await insertPending(db, [1]);
    await using home = await agentHome({ db, module: GATED });
    const { agent, pid } = await startContained(home);
    await home.untilMarked("start 1");
    Deno.kill(pid, "SIGTERM");
    await agent.log("Draining");
    Deno.kill(pid, "SIGHUP");
    assertEquals((await agent.exit()).code, 0);
    assertEquals(await documents.countDocuments({ status: "pending", "_pull.attempts": 0 }), 1);
  },
});

Deno.test({
  name: "PID 1: the agent is paused and resumed by signals, and by commands run in its container",
  ignore,
  fn: async () => {
    await using db = await testDatabase("pid 1 pause");
    const documents = await insertPending(db, [1]);
    await using home = await agentHome({ db, module: MARKING });
    const { agent, pid } = await startContained(home);
    await home.untilMarked("1");

    Deno.kill(pid, "SIGUSR1");
    const paused = await agent.log("Paused");
    Deno.kill(pid, "SIGUSR2");
    const resumed = await agent.log("Resumed", { after: paused });

    assertEquals((await agent.status()).pid, 1);
    const inside = ["nsenter", `--target=${pid}`, "--pid", "--mount"];
    const run = (command: string) => home.runWith({ wrapper: inside, args: [command] });
    assertEquals((await run("pause")).code, 0);
    const pausedAgain = await agent.log("Paused", { after: resumed });
    await documents.insertOne({ _id: 2, status: "pending" });
    assertEquals((await run("resume")).code, 0);
    await agent.log("Resumed", { after: pausedAgain });
    await home.untilMarked("2");

    Deno.kill(pid, "SIGTERM");
    assertEquals((await agent.exit()).code, 0);
  },
});
