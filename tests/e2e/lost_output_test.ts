import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import type { Command } from "../../control/commands/command.ts";
import { COMMANDS } from "../../control/commands/commands.ts";
import { type AgentHome, agentHome, type CommandResult } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** Every way to call a command that makes it print something else; a new command is among them at once. */
function callsOf({ name, words, options = {}, oneOf = [], outlivesStrayErrors }: Command): string[][] {
  // The agent itself ends only as a Job.
  if (outlivesStrayErrors) return [[name, "--until-empty"]];
  // It has nothing to print without a document, and fails with a processor that fails.
  const rest = name === "try" ? ["--id", "4"] : name === "why" ? ["4"] : [];
  const bases = Object.entries(words ?? { "": {} }).map(([word, { operand, takes, needsOne }]) => ({
    base: [name, ...(word ? [word] : []), ...(operand ? ["1"] : []), ...(needsOne ? ["--all"] : []), ...rest],
    switches: (takes ?? Object.keys(options)).filter((option) =>
      options[option]!.value === undefined && !(needsOne && oneOf.includes(option))
    ),
  }));
  return bases.flatMap((
    { base, switches },
  ) => [base, ...switches.map((option) => [...base, `--${option}`])]);
}

/** What takes the letters away comes last. */
const TAKING = ["dead-letters redrive --all", "dead-letters purge --all"];
const rank = (call: string[]) => TAKING.indexOf(call.join(" "));
const CALLS = COMMANDS.flatMap(callsOf).sort((one, other) => rank(one) - rank(other));
/** Those that end by themselves, if what they print can be printed. */
const ENDING = CALLS.filter((call) => !call.includes("--watch"));

/** What changes something, or is asked whether something is so, answers by its exit status: its work does not need a reader. */
const BY_STATUS = new Set(
  ["pause", "resume", "health liveness", "health readiness", "health startup", "check", "run --until-empty"]
    .concat(TAKING),
);
const isByStatus = (call: string[]) => BY_STATUS.has(call.join(" "));

/** What a module prints while it is loaded, and when it has been. */
const NOISE =
  `console.log("\\x1b[31mNOISE\\x1b[0m"); console.error("NOISE"); setTimeout(console.log, 0, "NOISE");
  export default ({ isSound }) => { if (!isSound) throw new Error("broken"); };`;

/** An agent that has made three dead letters; each call finds them, and an agent that answers. */
async function withLetters(name: string, test: (home: AgentHome) => Promise<void>): Promise<void> {
  await using db = await testDatabase(name);
  const documents = await insertPending(db, upTo(3));
  await documents.insertOne({ _id: 4, status: "left alone", isSound: true });
  await using home = await agentHome({ db, module: NOISE, env: { MAX_ATTEMPTS: "1" } });
  const agent = await home.startReady();
  await agent.untilStatus("3 dead letters", ({ counters }) => counters.dead_lettered >= 3);
  await test(home);
}

/** A second agent would be refused on the same directory, and a control file would not be its own. */
const envOf = (home: AgentHome, [name]: string[]) =>
  name === "run" ? { HEALTH_DIR: `${home.dir}/health-of-another` } : {};

const runIn = (home: AgentHome, args: string[], script: string): Promise<CommandResult> =>
  home.runWith({ args, wrapper: ["sh", "-c", script, `${home.dir}/pipe`], env: envOf(home, args) });

Deno.test("Output: each command prints on standard output, and nothing of its processor's module there", async () => {
  await withLetters("output of commands", async (home) => {
    for (const args of ENDING) {
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
});

const LOSSES: Record<string, { script: string; reason: RegExp }> = {
  "a full disk": { script: 'exec "$@" >/dev/full', reason: /No space left on device/ },
  "a pipe whose reader has ended": {
    script: 'rm -f "$0"; mkfifo "$0"; exec 3<>"$0" 4>"$0" 3<&-; exec "$@" >&4 4>&-',
    reason: /Broken pipe|the program that reads it has ended/,
  },
};
for (const [loss, { script, reason }] of Object.entries(LOSSES)) {
  Deno.test(`Output: each command says in one sentence that standard output is ${loss}, and shows it by its status`, async () => {
    await withLetters("lost output", async (home) => {
      for (const args of CALLS) {
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
  });
}

Deno.test("Output: a pipe without a reader blocks no command that answers by its status, and costs the others nothing", async () => {
  await withLetters("unread output", async (home) => {
    // The pipe is full before the command begins; its reader begins when the file `go` is there.
    const script = 'n=$1; shift; { head -c 65536 /dev/zero; "$@"; echo "$?" >"$0.$n.code"; } | ' +
      '{ until [ -f "$0.go" ]; do sleep 0.05; done; tail -c +65537 >"$0.$n.out"; }';
    const codeOf = async (index: number) =>
      (await Deno.readTextFile(`${home.dir}/pipe.${index}.code`)).trim();
    const isUnread = (index: number) =>
      waitFor(ENDING[index]!.join(" "), async () => await codeOf(index) === "0");
    const running: Promise<CommandResult>[] = [];
    for (const [index, args] of ENDING.entries()) {
      const wrapper = ["sh", "-c", script, `${home.dir}/pipe`, String(index)];
      running.push(home.runWith({ args, wrapper, env: envOf(home, args) }));
      if (isByStatus(args)) await isUnread(index);
    }
    await home.write("pipe.go", "");
    await Promise.all(running);
    for (const [index, args] of ENDING.entries()) {
      assertEquals(await codeOf(index), "0", args.join(" "));
      if (isByStatus(args)) continue;
      const printed = await Deno.readTextFile(`${home.dir}/pipe.${index}.out`);
      assert(printed.endsWith("\n"), `${args.join(" ")}: ${printed}`);
    }
  });
});
