/**
 * Commands whose standard output gets lost, or that nothing reads.
 *
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { type AgentHome, agentHome, type CommandResult } from "./agent_home.ts";
import { TAKING } from "./command_calls.ts";
import { insertPending, upTo } from "./documents.ts";
import { testDatabase } from "./mongod.ts";
import { waitFor } from "./wait.ts";

/** What changes something, or is asked whether something is so, answers by its exit status: its work does not need a reader. */
const BY_STATUS = new Set(
  ["pause", "resume", "health liveness", "health readiness", "health startup", "check", "run --until-empty"]
    .concat(["pause --fleet --reason a test", "resume --fleet"], TAKING),
);
const isByStatus = (call: readonly string[]) => BY_STATUS.has(call.join(" "));

/** What a module prints while it is loaded, and when it has been. */
const NOISE =
  `console.log("\\x1b[31mNOISE\\x1b[0m"); console.error("NOISE"); setTimeout(console.log, 0, "NOISE");
  export default ({ isSound }) => { if (!isSound) throw new Error("broken"); };`;

/** An agent that has made three dead letters; each call finds them, and an agent that answers. */
async function withLetters(name: string, test: (home: AgentHome) => Promise<void>): Promise<void> {
  await using db = await testDatabase(name);
  const documents = await insertPending(db, upTo(3));
  await documents.insertMany([{ _id: 4, status: "left alone", isSound: true }, {
    _id: 5,
    status: "canceled",
  }]);
  await using home = await agentHome({ db, module: NOISE, env: { MAX_ATTEMPTS: "1", METRICS_FILE: "true" } });
  const agent = await home.startReady();
  await agent.untilStatus("3 dead letters", ({ counters }) => counters.dead_lettered >= 3);
  await test(home);
}

/** A second agent would be refused on the same directory, and a control file would not be its own. */
const envOf = (home: AgentHome, [name]: readonly string[]) =>
  name === "run" ? { HEALTH_DIR: `${home.dir}/health-of-another` } : {};

const runIn = (home: AgentHome, args: string[], script: string): Promise<CommandResult> =>
  home.runWith({ args, wrapper: ["sh", "-c", script, `${home.dir}/pipe`], env: envOf(home, args) });

/** How output gets lost, and what a command calls the reason. */
export const LOSSES: Record<string, { script: string; reason: RegExp }> = {
  "a full disk": { script: 'exec "$@" >/dev/full', reason: /No space left on device/ },
  "a pipe whose reader has ended": {
    script: 'rm -f "$0"; mkfifo "$0"; exec 3<>"$0" 4>"$0" 3<&-; exec "$@" >&4 4>&-',
    reason: /Broken pipe|the program that reads it has ended/,
  },
};

/** Checks that each of these calls prints on standard output, and nothing of its processor's module there. */
export async function assertPrintsItsOwn(calls: readonly string[][]): Promise<void> {
  await withLetters("output of commands", async (home) => {
    for (const args of calls) {
      const { code, stdout, stderr } = await home.runWith({ args, env: envOf(home, args) });
      const call = args.join(" ");
      assertEquals(code, 0, `${call}: ${stderr}`);
      const isSilent = TAKING.includes(call);
      assertEquals(stdout !== "", !isSilent, call);
      // The agent writes it into its log, as lines of its own.
      if (args[0] !== "run") assertFalse(stdout.includes("NOISE"), `${call}: ${stdout}`);
      // deno-lint-ignore no-control-regex
      assertFalse(/\x1b/.test(stdout + stderr), `${call}: ${stdout}${stderr}`);
    }
  });
}

/** Checks that each of these calls says in one sentence that its output is lost, and shows it by its status. */
export async function assertLossIsTold(loss: string, calls: readonly string[][]): Promise<void> {
  const { script, reason } = LOSSES[loss]!;
  await withLetters("lost output", async (home) => {
    for (const args of calls) {
      const { code, stderr } = await runIn(home, args, script);
      const call = args.join(" ");
      assertEquals(code, isByStatus(args) ? 0 : 1, `${call}: ${stderr}`);
      const lines = stderr.split("\n").filter((line) => line.includes("pulling-agent: "));
      const isSilent = args[0] === "run" || TAKING.includes(call);
      assertEquals(lines.length, isSilent ? 0 : 1, `${call}: ${stderr}`);
      if (!isSilent) assertMatch(lines[0]!, /^pulling-agent: Not all was printed/, call);
      if (!isSilent) assertMatch(lines[0]!, reason, call);
      assertFalse(/^ {4}at |this is a bug|panicked/m.test(stderr), `${call}: ${stderr}`);
    }
  });
}

/**
 * Checks that a pipe that nothing reads blocks none of these calls that answers by its status, and that the others have
 * printed all when a reader comes.
 */
export async function assertUnreadBlocksNone(calls: readonly string[][]): Promise<void> {
  await withLetters("unread output", async (home) => {
    // The pipe is full before the command begins; its reader begins when it has a line of the other pipe, `go`.
    const script = 'n=$1; shift; { head -c 65536 /dev/zero; "$@"; echo "$?" >"$0.$n.code"; } | ' +
      '{ read -r _ <"$0.go"; tail -c +65537 >"$0.$n.out"; }';
    await new Deno.Command("mkfifo", { args: [`${home.dir}/pipe.go`] }).output();
    using go = await Deno.open(`${home.dir}/pipe.go`, { read: true, write: true });
    const codeOf = async (index: number) =>
      (await Deno.readTextFile(`${home.dir}/pipe.${index}.code`)).trim();
    const isUnread = (index: number) =>
      waitFor(calls[index]!.join(" "), async () => await codeOf(index) === "0");
    const running: Promise<CommandResult>[] = [];
    for (const [index, args] of calls.entries()) {
      const wrapper = ["sh", "-c", script, `${home.dir}/pipe`, String(index)];
      running.push(home.runWith({ args, wrapper, env: envOf(home, args) }));
      if (isByStatus(args)) await isUnread(index);
    }
    // The shell takes no more than the one line that each reader waits for.
    await go.write(new TextEncoder().encode("\n".repeat(calls.length)));
    const ended = await Promise.all(running);
    for (const [index, args] of calls.entries()) {
      assertEquals(await codeOf(index), "0", `${args.join(" ")}: ${ended[index]!.stderr}`);
      if (isByStatus(args)) continue;
      const printed = await Deno.readTextFile(`${home.dir}/pipe.${index}.out`);
      assert(printed.endsWith("\n"), `${args.join(" ")}: ${printed}`);
    }
  });
}
