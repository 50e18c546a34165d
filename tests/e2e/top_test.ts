import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { startMongod } from "../../scripts/mongod.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertEntry } from "../support/fleet_entries.ts";
import { TestDatabase, testDatabase } from "../support/mongod.ts";
import { type AnyDocument, pending } from "../support/store.ts";
import { AFTER, BEFORE, TMUX_IS_MISSING, TmuxTerminal } from "../support/tmux.ts";

const STEP_MS = 10_000;
const HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eerror";
/** They count as alive however long the test takes. */
const ALIVE = { lives_ms: 600_000 };

/** Three agents, 300 documents that wait and three letters, whose texts would command a terminal. */
async function makeFleet({ db }: Pick<TestDatabase, "db">): Promise<void> {
  const documents = db.collection<AnyDocument>("documents");
  await documents.createIndex({ status: 1, "_pull.visible_at": 1, _id: 1 });
  const dead_at = new Date();
  await documents.insertMany([
    ...pending(300, { from: 10 }),
    ...pending(3, { status: "failed", _pull: { dead_at } }),
  ]);
  const source = { collection: "documents" };
  await db.collection<AnyDocument>("documents_dead_letters")
    .insertMany(pending(3, { error: HOSTILE, dead_at, source, status: undefined }));
  const until = new Date(Math.floor(Date.now() / STEP_MS) * STEP_MS);
  const steps = (n: number) => new Array<number>(60).fill(n);
  const none = { retried: steps(0), dead_lettered: steps(0), pick_up_ms: steps(0) };
  const agent = (name: string, fields: object) =>
    insertEntry({ db }, "documents_agents", { name, ...ALIVE, ...fields });
  await agent("busy", { held: 200, running: 10, history: { until, processed: steps(30), ...none } });
  const by = { source: "fleet", by: "ann", reason: "price service", since: new Date() };
  await agent("still", { state: "paused", control: { state: "paused", ...by } });
  await agent("漢字👩‍👩‍👧", { ready: false, trouble: HOSTILE });
}

/** Without what differs from run to run: times, and the blanks behind them. */
const steady = (lines: readonly string[]) =>
  lines.map((line) =>
    line.replaceAll(/\d\d:\d\d:\d\d UTC/g, "TIME").replaceAll(
      /\d+ (h|min|m?s)( \d+ (min|s))?(?= ago)/g,
      "SOME",
    )
      .replaceAll(/(?<=drained in ).*/g, "SOME").replaceAll(/[▁▂▃▄▅▆▇█ ]{20,}/g, " BARS ")
      .replaceAll(/(processed|highest) [\d.]+\/s/g, "$1 RATE")
      .replaceAll(/(?<=SOME ago) +/g, " ").replace(/(?<=SOME ago: pri).*/, "").trimEnd()
  );

Deno.test("top prints the fleet once as text or JSON, also without a terminal", async () => {
  await using db = await testDatabase("top once");
  await makeFleet(db);
  await using home = await agentHome({ db });
  for (const args of [["top"], ["top", "--once"]]) {
    const { code, stderr, stdout } = await home.run(...args);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^waiting 300 {3}scheduled 0$/m);
    assertMatch(stdout, /^3 agents: 2 running, 1 paused {3}by trouble$/m);
    assertMatch(stdout, /^still +paused +0 +0 +0\/s 1\.2\.3 +by ann, .* ago: price service$/m);
    assertMatch(stdout, /^ +3 letters .* ago +\[#J \]#;owned error \(as \d\)$/m);
    assertNotMatch(stdout, /[^\P{Cc}\n]|\u202e/u);
  }
  const { code, stdout } = await home.run("top", "--json");
  assertEquals(code, 0);
  const { agents, errors, history, notes, source, work } = JSON.parse(stdout);
  assertEquals([work.waiting, work.dead_letters, notes], [
    { n: 300, capped: false },
    { n: 3, capped: false },
    [],
  ]);
  assertEquals([agents.length, errors[0].count, history.processed.length, source], [
    3,
    3,
    60,
    `${db.name}.documents`,
  ]);
  assertNotMatch(stdout, /[^\P{Cc}\n]/u);
  const gone = await home.runWith({ args: ["top"], env: { MONGODB_COLLECTION: "document" } });
  assertEquals([gone.code, gone.stdout], [1, ""]);
  assertMatch(gone.stderr, /did you mean documents\?/);
});

/** The terminal is as it was. */
async function assertPutBack(terminal: TmuxTerminal, status: number): Promise<void> {
  const lines = await terminal.until(new RegExp(`${AFTER} ${status}`));
  assertEquals(lines, [BEFORE, `${AFTER} ${status}`]);
  const [before, after] = await terminal.modes();
  assertEquals(after, before);
}

const onTerminal = (name: string, test: () => Promise<void>) =>
  Deno.test({ name, ignore: TMUX_IS_MISSING, fn: test });

onTerminal(
  "top shows the fleet on a terminal, sorts and filters at a key, fits another size, and puts the terminal back",
  async () => {
    await using db = await testDatabase("top screen");
    await makeFleet(db);
    await using home = await agentHome({ db });
    await using terminal = await TmuxTerminal.start(home, ["top"]);
    assertEquals(steady(await terminal.until(/by trouble[^]*letters/)), [
      ` pulling-agent top · ${db.name}.documents`.padEnd(56) + "TIME  every 2 s",
      "All agents may run: no pause of the fleet",
      "waiting 300   scheduled 0",
      "in flight 0   dead letters 3   failing 0/s   drained in SOME",
      "processed RATE BARS highest RATE",
      "",
      "3 agents: 2 running, 1 paused   by trouble",
      "NAME             STATE      HELD  RUNS     RATE VERSION  WHY",
      "漢字👩 👩 👧     running       0     0      0/s 1.2.3    [2J ]0;owned error",
      "still            paused        0     0      0/s 1.2.3    by ann, SOME ago: pri",
      "busy             running     200    10    3.0/s 1.2.3",
      "",
      "Errors: 1 group, of the newest dead letters and of the agents",
      "     3 letters SOME ago [#J ]#;owned error (as 0)",
      ...new Array(9).fill(""),
      " q quits · s sorts · / filters · ↑↓ scroll · space holds · ? help",
    ]);
    await terminal.press("/", "P", "r", "i", "c", "e");
    await terminal.until(/show agents with: Price_/);
    await terminal.press("Enter");
    const filtered = await terminal.until(/filter "Price"/);
    assertEquals(filtered.filter((line) => /^(busy|still|漢)/.test(line)).map((line) => line.split(" ")[0]), [
      "still",
    ]);
    await terminal.press("Escape", "s");
    await terminal.until(/by name[^]*\nbusy[^]*\nstill/);
    await terminal.resize(130, 30);
    const wide = await terminal.until(/by ann, .* ago: price service\n/);
    assertEquals([wide.length, wide.at(-1)!.startsWith(" q quits")], [30, true]);
    await terminal.resize(60, 12);
    await terminal.until(/smaller than 80x24: not all is shown/);
    await terminal.press("q");
    await assertPutBack(terminal, 0);
  },
);

onTerminal(
  "top puts the terminal back at a signal and at Ctrl-C, and leaves colours out with NO_COLOR",
  async () => {
    await using db = await testDatabase("top signals");
    await makeFleet(db);
    await using home = await agentHome({ db });
    const ended = async (
      env: Record<string, string | undefined>,
      act: (terminal: TmuxTerminal) => Promise<void>,
    ) => {
      await using terminal = await TmuxTerminal.start(home, ["top"], env);
      await terminal.until(/3 agents/);
      const colors = (await terminal.lines({ withColors: true })).join("\n");
      await act(terminal);
      return { colors, terminal, [Symbol.asyncDispose]: () => terminal[Symbol.asyncDispose]() };
    };
    const isColored = (text: string) => new RegExp("\x1b\\[[\\d;]*3[1-7]").test(text);
    {
      const { colors } = await ended({ NO_COLOR: undefined }, async (terminal) => {
        await terminal.signal("SIGTERM");
        await assertPutBack(terminal, 143);
      });
      assert(isColored(colors), colors);
    }
    const { colors } = await ended({ NO_COLOR: "1" }, async (terminal) => {
      await terminal.press("C-c");
      await assertPutBack(terminal, 0);
    });
    assert(!isColored(colors), colors);
  },
);

/** A home whose MongoDB comes and goes. */
async function withOutage(
  test: (home: AgentHome, mongod: Awaited<ReturnType<typeof startMongod>>) => Promise<void>,
) {
  await using mongod = await startMongod();
  const database = new TestDatabase(mongod.uri, "top");
  await makeFleet(database);
  await database.client.close();
  await using home = await agentHome({ db: { uri: mongod.uri, name: "top" } });
  await test(home, mongod);
}

onTerminal(
  "top goes on while MongoDB is away, says so, and shows what there is once it is back",
  async () => {
    await withOutage(async (home, mongod) => {
      await using terminal = await TmuxTerminal.start(home, ["top", "--interval", "1"]);
      await terminal.until(/3 agents/);
      await mongod.kill();
      const lines = await terminal.until(/^No answer (since|from)/m);
      assert(lines.some((line) => line.startsWith("3 agents")), lines.join("\n"));
      await terminal.press("s");
      await terminal.until(/by name/);
      await mongod.start();
      const back = await terminal.until(/^ pulling-agent top[^\n]*\nAll agents may run/);
      // A server that has just begun may be too slow to count in time, and is not asked again at once.
      assert(back.some((line) => /^waiting (300|\?)/.test(line)), back.join("\n"));
      await terminal.press("q");
      await assertPutBack(terminal, 0);
    });
  },
);
