import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "../../agent/errors.ts";
import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { isGone } from "../support/proc.ts";
import { failure, program, python, untilGone } from "../support/programs.ts";
import { waitFor } from "../support/wait.ts";

const noPython = await isMissing(PYTHON);

Deno.test({
  name: "Programs: a program that ends with code 0 after each document costs no attempt",
  async fn() {
    // The end may come before or after the next line is written.
    await using it = await program(
      `read -r line; id=\${line#*:\\"}; id=\${id%%\\"*}; echo "{\\"id\\":\\"$id\\",\\"ok\\":true}"`,
      { with: "sh" },
    );
    for (let count = 0; count < 30; count++) assertEquals(await it.run(), {});
  },
});

Deno.test({
  name: "Programs: reads the last answers of a program that ends, although a grandchild holds its pipes",
  ignore: noPython,
  async fn() {
    await using it = await program(python(
      `p = subprocess.Popen(["sleep", "600"])
answer["result"]["set"]["grandchild"] = p.pid
say(answer)
os._exit(0)`,
    ));
    const first = (await it.run()).set;
    const second = (await it.run()).set;
    assert(first.pid !== second.pid);
    await untilGone(first.grandchild);
    await it.close();
    await untilGone(second.grandchild);
  },
});

Deno.test({
  name: "Programs: a grandchild with a session of its own does not hold up the next document or the end",
  ignore: noPython,
  async fn() {
    await using it = await program(python(
      `if document["_id"] == 2:
    p = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print(p.pid, file=sys.stderr, flush=True)
    os._exit(1)`,
    ));
    assertMatch(await failure(it.run({ _id: 2 })), /ended with code 1/);
    await it.run();
    await it.close();
    Deno.kill(Number(it.log.lines[0]!.text), "SIGKILL");
  },
});

Deno.test({
  name: "Programs: a program that ignores TERM and the end of its input is killed with its group at the end",
  ignore: noPython,
  async fn() {
    await using it = await program(python(
      `signal.signal(signal.SIGTERM, signal.SIG_IGN)
p = subprocess.Popen(["sleep", "600"])
answer["result"]["set"]["grandchild"] = p.pid
say(answer)
time.sleep(600)`,
    ));
    const { pid, grandchild } = (await it.run()).set;
    await it.close(100);
    await Promise.all([untilGone(pid), untilGone(grandchild)]);
  },
});

Deno.test({
  name: "Programs: a program ends by itself at the end of its input, and what it then writes is still logged",
  ignore: noPython,
  async fn() {
    await using it = await program(python("") + `print("clean end", file=sys.stderr)`);
    const { pid } = (await it.run()).set;
    await it.close();
    assert(await isGone(pid));
    assertEquals(it.log.lines.map(({ level, text, fields }) => [level, text, fields!.source]), [
      ["INFO", "clean end", "stderr"],
    ]);
  },
});

Deno.test({
  name: "PROCESS_TIMEOUT ends the program that hangs, and its group",
  ignore: noPython,
  async fn() {
    await using it = await program(python(`if document["_id"] == 2: time.sleep(600)`));
    const { pid } = (await it.run()).set;
    const abort = new AbortController();
    const hanging = it.run({ _id: 2 }, abort.signal);
    abort.abort(new ProcessTimeoutError("too long"));
    await assertRejects(() => hanging, ProcessTimeoutError);
    await untilGone(pid);
    assert((await it.run()).set.pid !== pid);
    assertEquals(it.log.lines, []);
  },
});

Deno.test({
  name: "Programs: a lost lease ends nothing that other documents need, and its answer is ignored",
  ignore: noPython,
  async fn() {
    await using it = await program(`import json, sys
print('{"concurrency": 2}', flush=True)
held = []
for line in sys.stdin:
    held.append(json.loads(line))
    if len(held) < 2: continue
    for order in held: print(json.dumps({"id": order["id"], "ok": True, "result": {"set": {"of": order["document"]["_id"]}}}), flush=True)
    held = []
`);
    // Until it has said so, it gets one document at a time.
    const first = it.run({ _id: 1 });
    await waitFor("two slots", () => it.processing.slots === 2);
    const abort = new AbortController();
    const second = it.run({ _id: 2 }, abort.signal);
    assertEquals((await Promise.all([first, second])).map(({ set }) => set.of), [1, 2]);
    const lost = it.run({ _id: 3 }, abort.signal);
    const third = it.run({ _id: 4 });
    abort.abort(new LeaseLostError("lost"));
    await assertRejects(() => lost, LeaseLostError);
    assertEquals((await third).set.of, 4);
    const last = [it.run({ _id: 5 }), it.run({ _id: 6 })];
    assertEquals((await Promise.all(last)).map(({ set }) => set.of), [5, 6]);
  },
});

Deno.test({
  name: "Programs: a forced stop leaves a program a moment to answer, and then ends it at once",
  ignore: noPython,
  async fn() {
    await using it = await program(python(`time.sleep(600)`));
    const abort = new AbortController();
    const run = it.run({}, abort.signal);
    abort.abort(new ForcedStopError("forced"));
    await assertRejects(() => run, ForcedStopError);
    await it.close(60_000, AbortSignal.abort());
  },
});
