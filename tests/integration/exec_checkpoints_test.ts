import { assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { PermanentError, StoppingError } from "../../agent/errors.ts";
import { checkpointData } from "../../agent/processors/checkpoint_data.ts";
import type { ProcessorContext } from "../../agent/processors/processor.ts";
import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { failure, program, python, untilGone } from "../support/programs.ts";

const ignore = await isMissing(PYTHON);

/** A context that notes what a program says of its document. */
function listening(given: Partial<ProcessorContext> = {}) {
  const said: unknown[] = [];
  const context: Partial<ProcessorContext> = {
    checkpoint: (data) => {
      said.push(["checkpoint", checkpointData(data)]);
      return Promise.resolve();
    },
    progress: (fraction, text) => said.push(["progress", fraction, text]),
    ...given,
  };
  return { said, context };
}

Deno.test({
  name: "Programs: a program gets what an earlier run has saved, and says how far it is before it answers",
  ignore,
  async fn() {
    await using it = await program(python(`
say({"id": id, "checkpoint": {"page": 1, "at": {"$date": "2026-01-02T03:04:05Z"}}})
say({"id": id, "progress": 0.5, "text": "half"})
say({"id": id, "checkpoint": None, "progress": 1})
answer["result"] = {"set": {"saved": order.get("saved", "none")}}`));
    const { context, said } = listening();
    assertEquals(await it.run({}, undefined, context), { set: { saved: "none" } });
    assertEquals(said, [
      ["checkpoint", { page: 1, at: new Date("2026-01-02T03:04:05Z") }],
      ["progress", 0.5, "half"],
      ["progress", 1, undefined],
      ["checkpoint", null],
    ]);
    for (const saved of [{ page: 7, at: new Date(5) }, [1, "two"], 0, null]) {
      assertEquals(await it.run({}, undefined, { ...context, saved }), { set: { saved } });
    }
  },
});

Deno.test({
  name: "Programs: what a program says of a document after its answer changes nothing, and it goes on",
  ignore,
  async fn() {
    await using it = await program(python(`
answer["result"] = {"set": {"pid": os.getpid()}}
say(answer)
say({"id": id, "progress": 1, "text": "from another thread"})
say({"id": id, "checkpoint": {"page": 9}})
continue`));
    const { context, said } = listening();
    const { set: { pid } } = await it.run({}, undefined, context);
    for (let run = 0; run < 3; run++) assertEquals((await it.run({}, undefined, context)).set, { pid });
    assertEquals(said, []);
  },
});

Deno.test({
  name:
    "Programs: a checkpoint that cannot be written fails its document alone, for good, and the process is replaced",
  ignore,
  async fn() {
    await using it = await program(python(`
if document["_id"] == 2:
    say({"id": id, "checkpoint": "x" * 20000, "text": str(os.getpid())})
    time.sleep(600)`));
    const { context } = listening();
    const { set: { pid } } = await it.run({}, undefined, context);
    const error = await assertRejects(() => it.run({ _id: 2 }, undefined, context), PermanentError);
    assertMatch(error.message, /^Cannot write the checkpoint: data is larger than 16 KiB/);
    await untilGone(pid);
    assertEquals(typeof (await it.run({}, undefined, context)).set.pid, "number");
  },
});

const WRONG: [string, RegExp][] = [
  ['{"id": "1", "checkpoint": 1, "page": 2}', /the field "page" means nothing beside "checkpoint"/],
  ['{"id": "1", "progress": 1, "result": {}}', /the field "result" means nothing beside/],
  ['{"id": "77", "checkpoint": 1}', /an id that the program does not hold/],
  ['{"id": "1", "text": "half"}', /"ok" must be true or false/],
];

for (const [line, error] of WRONG) {
  Deno.test({
    name: `Programs: replaces a program that writes the line ${line}`,
    ignore,
    async fn() {
      await using it = await program(python(`print('${line}', flush=True)`));
      assertMatch(await failure(it.run()), error);
    },
  });
}

Deno.test({
  name:
    "Programs: while the agent drains, a program is ended at its next checkpoint, which the release brings",
  ignore,
  async fn() {
    await using it = await program(python(`
for page in range(600):
    say({"id": id, "checkpoint": {"page": page, "pid": os.getpid()}})
    time.sleep(0.05)`));
    const stopping = new AbortController();
    let pid = 0;
    const { context, said } = listening({
      stopping: stopping.signal,
      checkpoint: (data) => {
        const saved = data as { page: number; pid: number };
        said.push(saved.page);
        pid = saved.pid;
        if (saved.page === 2) stopping.abort(new StoppingError("The agent drains"));
        return Promise.resolve();
      },
    });
    const error = await it.run({}, undefined, context).then(() => undefined, (reason) => reason);
    assertInstanceOf(error, StoppingError);
    await untilGone(pid);
    assertEquals(said, [0, 1, 2]);
  },
});

Deno.test({
  name:
    "Programs: one that works on several documents goes on with the others if a checkpoint ends one of them",
  ignore,
  async fn() {
    await using it = await program(`
import json, sys, threading, time
def say(value):
    sys.stdout.write(json.dumps(value) + "\\n")
    sys.stdout.flush()
say({"concurrency": 2})
def work(order):
    if order["document"]["_id"] == 2:
        say({"id": order["id"], "checkpoint": "x" * 20000})
        time.sleep(0.5)
        say({"id": order["id"], "progress": 1})
    else:
        time.sleep(1)
    say({"id": order["id"], "ok": True, "result": {"set": {"done": True}}})
for line in sys.stdin:
    threading.Thread(target=work, args=(json.loads(line),)).start()
`);
    const { context } = listening();
    const good = it.run({ _id: 1 }, undefined, context);
    await assertRejects(() => it.run({ _id: 2 }, undefined, context), PermanentError);
    assertEquals(await good, { set: { done: true } });
    assertEquals(await it.run({ _id: 3 }, undefined, context), { set: { done: true } });
  },
});

Deno.test({
  name: "Programs: a batch has no checkpoint, and says so; its progress is ignored",
  ignore,
  async fn() {
    const settings = { processorBatch: true };
    await using it = await program(
      python(`
answer["result"] = None
say({"id": id, "progress": 0.5})
if order["batch"][0]["document"]["_id"] == 2: say({"id": id, "checkpoint": 1})`),
      { settings },
    );
    assertEquals(await it.runBatch([{ _id: 1 }]), [{}]);
    assertMatch(await failure(it.runBatch([{ _id: 2 }])), /a checkpoint of a batch, which has none/);
  },
});
