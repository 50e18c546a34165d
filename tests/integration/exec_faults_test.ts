import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ProcessTimeoutError } from "../../agent/errors.ts";
import { type Clock, systemClock } from "../../agent/lib/clock.ts";
import { Answers } from "../../agent/processors/answers/answers.ts";
import { AnswerLines } from "../../agent/processors/exec/answer_lines.ts";
import { Programs } from "../../agent/processors/exec/programs.ts";
import { recordedForeignLog } from "../support/foreign_log.ts";
import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { failure, program, python, started, untilGone } from "../support/programs.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const noPython = await isMissing(PYTHON);

/** What a program does wrong with document 2, and the error that document 2 gets. */
const WRONG: [string, string, RegExp][] = [
  [
    "half a line and then its end",
    `sys.stdout.write('{"id": "' + id); sys.stdout.flush(); os._exit(0)`,
    /within a line/,
  ],
  [
    "half a line and no more",
    `sys.stdout.write('{"id": "' + id); sys.stdout.flush(); os.close(1); time.sleep(60)`,
    /within a line/,
  ],
  ["an unknown id", `answer["id"] = "77"`, /an id that the program does not hold/],
  ["no id", `del answer["id"]`, /"id" must be/],
  ["no ok", `del answer["ok"]`, /"ok" must be true or false/],
  ["a line that is no object", `answer = [1]`, /must be an object/],
  ["20 MB in one line", `answer["x"] = "x" * 20_000_000`, /a line of more than 16777216 bytes/],
  [
    "20 MB without a line feed",
    `sys.stdout.write("x" * 20_000_000); sys.stdout.flush(); time.sleep(60)`,
    /a line of more than/,
  ],
  [
    "bytes that are not UTF-8",
    `os.write(1, b'{"id":"' + id.encode() + b'","ok":true,"x":"\\xff"}\\n'); continue`,
    /UTF-8/,
  ],
  ["a NUL", `os.write(1, b"\\0\\n"); continue`, /no answer/],
  ["an empty line", `print(flush=True); continue`, /no answer/],
  [
    "a banner",
    `print("Hello from a library", flush=True)`,
    /no answer, "Hello from a library".*standard error/,
  ],
  [
    "an end with code 3",
    `print("Traceback: boom", file=sys.stderr, flush=True); os._exit(3)`,
    /ended with code 3 .*boom/,
  ],
  ["an end by a signal", `os.kill(os.getpid(), signal.SIGSEGV)`, /was ended by SIGSEGV/],
  ["no standard output", `os.close(1); time.sleep(60)`, /has closed its standard output/],
];

for (const [what, body, error] of WRONG) {
  Deno.test({
    name: `Programs: replaces a program that writes or does ${what}; only the document that it holds fails`,
    ignore: noPython,
    async fn() {
      await using it = await program(python(`if document["_id"] == 2:\n    ${body}`));
      const { set: { pid } } = await it.run();
      assertMatch(await failure(it.run({ _id: 2 })), error);
      const next = (await it.run()).set.pid;
      assert(next !== pid);
      await untilGone(pid);
    },
  });
}

Deno.test({
  name:
    "Programs: replaces a program that answers twice, and says so; no document takes the answer of another",
  ignore: noPython,
  async fn() {
    await using it = await program(python(`answer["result"]["set"]["of"] = document["_id"]
if document["_id"] == 2: say(answer)`));
    assertEquals((await it.run({ _id: 2 })).set.of, 2);
    await waitFor(
      "the warning",
      () => it.log.lines.find(({ text }) => text.includes("between two documents")),
    );
    assertStringIncludes(String(it.log.lines.at(-1)!.fields!.error), "has answered already");
    assertEquals((await it.run({ _id: 3 })).set.of, 3);
  },
});

Deno.test({
  name: "Programs: replaces a program that closes its standard input",
  ignore: noPython,
  async fn() {
    await using it = await program(python(`os.close(0)\nsay(answer)\ntime.sleep(60)`));
    const { set: { pid } } = await it.run();
    assertMatch(await failure(it.run()), /does not read its standard input/);
    assert((await it.run()).set.pid !== pid);
  },
});

Deno.test({
  name: "Programs: logs standard error in bounds, with a count of the lines beyond",
  ignore: noPython,
  async fn() {
    await using it = await program(python(
      `os.write(2, b"\\xff bad\\n" + b"y" * 100_000 + b"\\n" + b"z" * 10_000 + b"\\n" + b"line\\n" * 5000)`,
    ));
    await it.run();
    await waitFor("the count", () => it.log.lines.find(({ level }) => level === "WARNING"));
    assert(it.log.lines.length <= 210);
    assert(it.log.lines.every(({ text }) => text.length <= 4100));
    assertEquals(it.log.lines[0]!.text, "\uFFFD bad");
    assert(Number(it.log.lines.find(({ level }) => level === "WARNING")!.fields!.lines) > 4000);
  },
});

Deno.test({
  name:
    "PROCESS_TIMEOUT advises to flush if a program has answered nothing, and says nothing of it once it has",
  ignore: noPython,
  async fn() {
    const late = async (answers: boolean) => {
      // Unbuffered by the environment of the tests, the mistake would not be one.
      await using it = await program(
        python(`if document["_id"] == 2:
    print(json.dumps(answer))
    print("kept back", file=sys.stderr, flush=True)
    time.sleep(600)`),
        { with: "env -u PYTHONUNBUFFERED python3" },
      );
      if (answers) await it.run();
      const abort = new AbortController();
      const hanging = failure(it.run({ _id: 2 }, abort.signal));
      const line = await waitFor("the program", () => it.log.lines.find(({ text }) => text === "kept back"));
      abort.abort(new ProcessTimeoutError("too long"));
      const message = await hanging;
      await untilGone(Number(line.fields!.pid));
      await it.run();
      return message;
    };
    assertMatch(await late(false), /^too long, and the program has written no answer so far: .*flush=True/);
    assertEquals(await late(true), "too long");
  },
});

/** A program that takes four documents at the same time, and ends without an answer until there is a file. */
const GREETING = `import json, os, sys
print(json.dumps({"concurrency": 4}), flush=True)
for line in sys.stdin:
    if not os.path.exists(sys.argv[1]): sys.exit(3)
    print(json.dumps({"id": json.loads(line)["id"], "ok": True}), flush=True)
`;

Deno.test({
  name:
    "Programs: a process after one that ended without an answer gets one document at a time until it answers",
  ignore: noPython,
  async fn() {
    await using dir = await TempDir.make();
    await using it = await program(GREETING, { args: `${dir.path}/works` });
    for (let ended = 0; ended < 3; ended++) {
      assertMatch(await failure(it.run()), /ended with code 3/);
      assertEquals(it.processing.slots, 1, "it has said that it takes four");
    }
    await Deno.writeTextFile(`${dir.path}/works`, "");
    await it.run();
    assertEquals(it.processing.slots, 4);
  },
});

Deno.test({
  name:
    "Programs: each wait for a new process may be longer than the one before, also if a process has greeted",
  ignore: noPython,
  async fn() {
    await using dir = await TempDir.make();
    await Deno.writeTextFile(`${dir.path}/program`, GREETING);
    const waits: number[] = [];
    // Waits are over at once, and noted; other times are so long that none of them ends here.
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback, options) => {
        if (ms < 3000) waits.push(ms);
        return systemClock.after(ms < 3000 ? 0 : ms, callback, options);
      },
    };
    const programs = new Programs({
      clock,
      random: () => 0.99,
      words: ["python3", `${dir.path}/program`, `${dir.path}/never`],
      env: Deno.env.toObject(),
      processes: 1,
      processTimeoutMs: 60_000,
      reader: new AnswerLines(await Answers.load()),
      log: recordedForeignLog(),
    });
    const { signal } = new AbortController();
    for (let call = 1; call <= 4; call++) {
      const line = new TextEncoder().encode(`{"id":"${call}"}\n`);
      await failure(programs.call(String(call), line, { signal, noted() {} }));
    }
    await programs.close(0, AbortSignal.abort());
    assertEquals(waits.filter((ms) => [396, 792, 1584].includes(ms)), [396, 792, 1584]);
  },
});

Deno.test("Programs: a program that cannot be started fails its document, and the next one waits a moment", async () => {
  await using dir = await TempDir.make();
  await Deno.writeTextFile(`${dir.path}/no-format`, "#!/nowhere/interpreter\n", { mode: 0o755 });
  await using it = await started(`${dir.path}/no-format`);
  assertMatch(await failure(it.run()), /cannot be started/);
  assertMatch(await failure(it.run()), /cannot be started/);
});
