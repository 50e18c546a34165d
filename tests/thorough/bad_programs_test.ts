import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { PYTHON } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { isGone } from "../support/proc.ts";
import { python } from "../support/programs.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** What a program does with a document, and what the agent makes of it: done, or the error. */
const CASES: Record<string, [body: string, expected: "done" | RegExp]> = {
  "half a line": [`sys.stdout.write('{"id": "' + id); sys.stdout.flush(); os._exit(0)`, /within a line/],
  "two answers": ["say(answer)", "done"],
  "an unknown id": [`answer["id"] = "77"`, /an id that the program does not hold/],
  "20 MB in one line": [`answer["x"] = "x" * 20_000_000`, /a line of more than 16777216 bytes/],
  "invalid UTF-8": [
    `os.write(1, b'{"id":"' + id.encode() + b'","ok":true,"x":"\\xff"}\\n'); continue`,
    /UTF-8/,
  ],
  "a banner": [`print("Hello from a library", flush=True)`, /"Hello from a library".*standard error/],
  "closes its input": ["os.close(0)", "done"],
  "closes its output": ["os.close(1); time.sleep(60)", /has closed its standard output/],
  "a grandchild that holds the pipes": [
    `answer["result"]["set"]["grandchild"] = subprocess.Popen(["sleep", "600"]).pid`,
    "done",
  ],
  "ignores TERM": ["signal.signal(signal.SIGTERM, signal.SIG_IGN)", "done"],
  "ends after it": ["say(answer); os._exit(0)", "done"],
  "ends before it": ["os._exit(0)", /ended with code 0 before it answered/],
  "hangs": ["time.sleep(600)", /took longer than PROCESS_TIMEOUT/],
  "15 MB": [`answer["result"]["set"]["length"] = len(document["text"])`, "done"],
  "a field of the agent's": [`answer["result"]["set"]["_pull"] = {}`, /"_pull" belongs to the agent/],
};

const PROGRAM = python(
  Object.entries(CASES).map(([name, [body]]) => `if document["_id"] == ${JSON.stringify(name)}: ${body}`)
    .join("\n"),
);

Deno.test({
  name:
    "Programs: each thing that a program does wrong on the executable is the failure of that document alone",
  ignore: await isMissing(PYTHON),
  async fn() {
    await using db = await testDatabase("bad programs");
    const documents = documentsOf(db);
    const names = Object.keys(CASES);
    await documents.insertMany(
      names.flatMap((_id) => [
        { _id, status: "pending", text: _id === "15 MB" ? "x".repeat(15_000_000) : "" },
        { _id: `well after ${_id}`, status: "pending" },
      ]) as never[],
    );
    await using home = await agentHome({
      db,
      // What is out of step may end a process that holds a document that goes well: it runs again.
      env: { MAX_ATTEMPTS: "3", PROCESS_TIMEOUT: "5s", EXEC_PROCESSES: "3" },
    });
    const path = await home.write("program.py", PROGRAM);
    const agent = await home.start({
      args: ["run", "--until-empty"],
      env: { PROCESSOR: JSON.stringify(["python3", path]).replace(/^/, "exec:") },
    });
    assertEquals((await agent.exit()).code, 0);
    const found = await documents.find({}, { projection: { text: 0 } }).toArray() as AnyDocument[];
    assertEquals(found.length, 2 * names.length);
    for (const { _id, status, error, pid, grandchild, length } of found) {
      const [, expected] = CASES[_id] ?? ["", "done"];
      const told = `${_id}: ${status} ${error}`;
      if (expected === "done") assertEquals(status, "processed", told);
      else {
        assertEquals(status, "failed", told);
        assertMatch(error, expected, told);
      }
      if (_id === "15 MB") assertEquals(length, 15_000_000);
      for (const each of [pid, grandchild]) {
        if (each !== undefined) await waitFor(`process ${each} to end`, () => isGone(each));
      }
    }
  },
});

Deno.test({
  name: "Programs: one that ends after each document costs the log no line for each",
  ignore: await isMissing(PYTHON),
  async fn() {
    await using db = await testDatabase("ending programs");
    const documents = documentsOf(db);
    await using home = await agentHome({ db });
    const path = await home.write("program.py", python("say(answer); os._exit(3)"));
    await documents.insertOne({ _id: 0, status: "pending" });
    const agent = await home.start({ env: { LOG_LEVEL: "DEBUG", PROCESSOR: `exec:python3 ${path}` } });
    const ends = () =>
      agent.entries.filter(({ message }) => message.startsWith("The program ended between two documents"));
    for (let count = 1; count <= 8; count++) {
      await agent.log(() => ends().length === count);
      await documents.insertOne({ _id: count, status: "pending" });
    }
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);
    const seen = ends().filter(({ level }) => level !== "DEBUG");
    assertEquals(seen.map(({ level, times }) => [level, times !== undefined]), [
      ...Array.from({ length: 5 }, () => ["WARNING", false]),
      ["WARNING", true],
    ]);
  },
});
