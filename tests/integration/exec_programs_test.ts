import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Long } from "bson";
import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { failure, program, python, started } from "../support/programs.ts";
import { TempDir } from "../support/temp_dir.ts";

const noPython = await isMissing(PYTHON);

Deno.test({
  name: "Programs: gives a program the document, its numbers and its key, and takes what it answers",
  ignore: noPython,
  async fn() {
    await using it = await program(python(`answer["result"] = {"set": {"got": order}}`));
    const { set } = await it.run({ total: Long.fromString("9007199254740993"), at: new Date(0) });
    assertEquals(set, {
      got: {
        id: "1",
        attempt: 1,
        snoozes: 2,
        idempotencyKey: "db.c:1",
        document: { _id: 1, total: 9007199254740993n, at: new Date(0) },
      },
    });
  },
});

Deno.test({
  name: "Programs: a failure of one document keeps the program, and its permanent and retryAfterMs",
  ignore: noPython,
  async fn() {
    await using it = await program(python(
      `if document["_id"] == 2: answer = {"id": id, "ok": False, "error": "busy", "retryAfterMs": 5}
if document["_id"] == 3: answer = {"id": id, "ok": False, "error": "never", "permanent": True}
if document["_id"] == 4: answer["result"] = {"sett": 1}
if document["_id"] == 5: answer = {"id": id, "ok": True}`,
    ));
    const { set: { pid } } = await it.run();
    const busy = await assertRejects(() => it.run({ _id: 2 }), Error, "busy");
    assertEquals((busy as Error & { retryAfterMs: number }).retryAfterMs, 5);
    const never = await assertRejects(() => it.run({ _id: 3 }), Error, "never");
    assertEquals((never as Error & { permanent: boolean }).permanent, true);
    assertMatch(await failure(it.run({ _id: 4 })), /"sett"/);
    assertEquals(await it.run({ _id: 5 }), {});
    assertEquals((await it.run()).set.pid, pid);
  },
});

Deno.test({
  name:
    "Programs: passes a document of 15 MB through a pipe to a program that reads slowly and writes meanwhile",
  ignore: noPython,
  async fn() {
    await using it = await program(`import json, os, sys
parts = []
while True:
    part = os.read(0, 4096)
    if not part: break
    parts.append(part)
    # More than a pipe holds, before the line has been read.
    if len(parts) % 256 == 0: os.write(2, b"x" * 10_000 + b"\\n")
    if part[-1:] == b"\\n":
        order = json.loads(b"".join(parts))
        parts = []
        os.write(1, json.dumps({"id": order["id"], "ok": True, "result": {"set": order["document"]}}).encode() + b"\\n")
`);
    const text = "x".repeat(15_000_000);
    const { set } = await it.run({ text });
    assertEquals(set.text.length, text.length);
  },
});

Deno.test({
  name: "EXEC_PROCESSES runs four documents at once",
  ignore: noPython,
  async fn() {
    await using it = await program(
      python(`open(sys.argv[1] + str(os.getpid()), "w").close()
while len([f for f in os.listdir(os.path.dirname(sys.argv[1])) if f.startswith("here")]) < 4: time.sleep(0.01)`),
      { settings: { execProcesses: 4 }, args: "" },
    );
    await using dir = await TempDir.make();
    await using four = await started(`python3 ${it.dir!.path}/program ${dir.path}/here`, {
      execProcesses: 4,
    });
    assertEquals(four.processing.slots, 4);
    const found = await Promise.all([1, 2, 3, 4].map((_id) => four.run({ _id })));
    assertEquals(new Set(found.map(({ set }) => set.pid)).size, 4);
  },
});

Deno.test({
  name: "PROCESSOR_BATCH gives a program many documents, and takes an entry for each",
  ignore: noPython,
  async fn() {
    await using it = await program(
      python(
        `answer["result"] = [{"set": {"n": each["document"]["n"] * 2, "snoozes": each["snoozes"]}} for each in order["batch"]]
if len(answer["result"]) == 3: answer["result"][1] = {"ok": False, "error": "only this"}
if len(answer["result"]) == 2: answer["result"].pop()
if len(answer["result"]) == 4: answer = {"id": id, "ok": False, "error": "all of them"}`,
      ),
      { settings: { processorBatch: true } },
    );
    const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ _id: n, n }));
    const [one, two, three] = await it.runBatch(numbers(3));
    assertEquals((two as Error).message, "only this");
    assertEquals([one, three], [{ set: { n: 0, snoozes: 0 } }, { set: { n: 4, snoozes: 2 } }]);
    assertMatch(await failure(it.runBatch(numbers(2))), /an entry for each of the 2 documents/);
    assertMatch(await failure(it.runBatch(numbers(4))), /all of them/);
    assertEquals(await it.runBatch(numbers(1)), [{ set: { n: 0, snoozes: 0 } }]);
  },
});
