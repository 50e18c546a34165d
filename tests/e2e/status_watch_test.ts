import { assert, assertEquals, assertMatch } from "@std/assert";
import { type AgentHome, agentHome, type CommandResult } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { GATED } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { waitFor } from "../support/wait.ts";

const TERMINAL_IS_MISSING = await isMissing({
  what: "tests of status --watch on a terminal",
  why: "script cannot make a terminal here",
  install: "install util-linux (apt-get install util-linux)",
  probe: ["script", "-qec", "true", "/dev/null"],
});

/** A `status --watch`, with what it has written so far. */
class Watching {
  readonly ended: Promise<CommandResult>;
  readonly #home: AgentHome;

  /** `shell` starts the command line `"$@"`, and writes to `$0.out`. */
  constructor(home: AgentHome, shell: string, ...options: string[]) {
    this.#home = home;
    this.ended = home.runWith({
      args: ["status", "--watch", ...options],
      wrapper: ["sh", "-c", shell, `${home.dir}/watch`],
    });
  }

  text(): Promise<string> {
    return Deno.readTextFile(`${this.#home.dir}/watch.out`);
  }

  /** Waits until what it has written since `from` matches; where that ends. */
  until(pattern: RegExp, from = 0): Promise<number> {
    return waitFor(`${pattern}`, async () => {
      const text = (await this.text()).slice(from);
      const found = pattern.exec(text);
      if (!found) throw new Error(text.slice(-1000));
      return from + found.index + found[0].length;
    });
  }

  /** The process writes its id before it is the command. */
  async interrupt(): Promise<void> {
    Deno.kill(Number(await Deno.readTextFile(`${this.#home.dir}/watch.pid`)), "SIGINT");
  }
}

const TO_FILE = 'echo $$ >"$0.pid"; exec "$@" >"$0.out"';
/** The terminal's keyboard is a pipe. */
const ON_TERMINAL =
  'mkfifo "$0.keys"; exec 3<>"$0.keys"; exec script -qfec "exec $*" "$0.out" <&3 >/dev/null';
/** A pattern, in which `ESC[` begins what commands a terminal. */
const commanded = (pattern: string) => new RegExp(pattern.replaceAll("ESC[", "\x1b\\["), "gs");

/** A pipe that is full, and whose reader does not read. */
const UNREAD =
  'echo $$ >"$0.pid"; mkfifo "$0.full"; exec 3<>"$0.full"; head -c 65536 /dev/zero >&3; exec "$@" >&3';

Deno.test("status --watch writes a line each time to what is not a terminal, also while the agent is started anew, and ends at Ctrl-C with 0", async () => {
  await using db = await testDatabase("status watch");
  await using home = await agentHome({ db, env: { PROCESSOR: "log" } });
  const first = await home.startReady();
  const watching = new Watching(home, TO_FILE);
  const atFirst = await watching.until(/idle: nothing to claim since/);
  await first.kill9();
  const between = await watching.until(/ No agent uses the health directory /, atFirst);
  const second = await home.start();
  // The files of the first one still say that it is ready.
  await second.log("MongoDB is in reach");
  assertEquals((await home.run("pause")).code, 0);
  const paused = await watching.until(/paused by a signal since \d\d:\d\d:\d\d UTC, \d+ m?s ago\n/, between);
  second.signal("SIGSTOP");
  await watching.until(/not responding since .* ago; before that paused/, paused);
  second.signal("SIGCONT");
  await watching.interrupt();
  assertEquals(await watching.ended, { code: 0, stdout: "", stderr: "" });
  const lines = (await watching.text()).trimEnd().split("\n");
  for (const line of lines) assertMatch(line, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ \S/);
});

Deno.test("status --watch --json writes a line of JSON each time, and ends at Ctrl-C even if no program reads it", async () => {
  await using db = await testDatabase("status watch json");
  await using home = await agentHome({ db, env: { PROCESSOR: "log" } });
  const agent = await home.startReady();
  const watching = new Watching(home, TO_FILE, "--json");
  const atFirst = await watching.until(/\n.*\n/);
  await agent.kill9();
  await watching.until(/"problem":.*\n/, atFirst);
  await watching.interrupt();
  assertEquals((await watching.ended).code, 0);
  const [status, ...more] = (await watching.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals([status.responding, status.state, status.last_minute.processed], [true, "running", 0]);
  assertMatch(status.summary, /^idle: /);
  assertMatch(more.at(-1).problem, /^No agent uses/);

  await (await home.start()).log("MongoDB is in reach");
  const unread = new Watching(home, UNREAD);
  let isOver = false;
  unread.ended.then(() => isOver = true);
  // The first may come before the command listens, and end the shell.
  await waitFor("it to end", async () => {
    if (!isOver) await unread.interrupt();
    return isOver;
  });
});

Deno.test({
  name:
    "status --watch shows each status in the place of the last one on a terminal, and no document commands it",
  ignore: TERMINAL_IS_MISSING,
  fn: async () => {
    await using db = await testDatabase("status watch terminal");
    await insertPending(db, ["\x1b[31mred\x07"]);
    await using home = await agentHome({ db, module: GATED });
    await home.startReady();
    await home.untilMarked("start \x1b[31mred\x07");
    const watching = new Watching(home, ON_TERMINAL);
    const first = await watching.until(commanded("ESC[Hrunning: 1 in flight, none has ended yetESC[K"));
    await watching.until(commanded("ESC[Hrunning: 1 in flight.*Ctrl-C ends itESC[K\\s+ESC[J"), first);
    await Deno.writeTextFile(`${home.dir}/watch.keys`, "\x03", { append: true });
    assertEquals((await watching.ended).code, 0);
    const text = await watching.text();
    assert(text.includes('"\\u001b[31mred\\u0007", attempt 1'), text);
    // What is left of it, apart from the commands that place the text.
    const plain = text.replaceAll(commanded("ESC[(2J|H|K|J|\\?7[lh])"), "");
    assertEquals(/[^\P{Cc}\r\n]/u.exec(plain)?.[0], undefined, plain);
  },
});
