import type { Document } from "bson";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending } from "../support/documents.ts";
import { PYTHON } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { isGone } from "../support/proc.ts";
import { waitFor } from "../support/wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const noPython = await isMissing(PYTHON);

/** Answers each document with its own number; document "slow" takes until there is a file. */
const WORKER = `import json, os, sys, time
for line in sys.stdin:
    call = json.loads(line)
    if call["document"]["_id"] == "slow":
        open(os.environ["MARKS"] + ".slow", "w").close()
        while not os.path.exists(os.environ["MARKS"] + ".go"): time.sleep(0.01)
    if call["document"]["_id"] == "deadly": os._exit(9)
    result = {"set": {"pid": os.getpid(), "group": os.getpgrp(), "env": sorted(os.environ)}}
    print(json.dumps({"id": call["id"], "ok": True, "result": result}), flush=True)
`;

Deno.test({
  name: "Programs: the example in Python drains a collection, and an order that it refuses is a dead letter",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("exec example");
    const orders = db.db.collection("documents");
    const lines = [{ quantity: 2, unit_price: 1.1 }, { quantity: 1, unit_price: 0.05 }];
    await orders.insertMany(Array.from({ length: 200 }, () => ({ status: "pending", lines })));
    await orders.insertOne({ status: "pending", _id: "none" as never });
    await using home = await agentHome({
      db,
      env: { PROCESSOR: `exec:python3 '${ROOT}/examples/order_totals.py'`, EXEC_PROCESSES: "2" },
    });
    await home.run("run", "--until-empty");
    assertEquals(await orders.countDocuments({ status: "processed", total: 2.25, "_pull.attempts": 1 }), 200);
    assertEquals((await orders.findOne({ status: "failed" }))?.error, "the order has no 'lines'");
  },
});

Deno.test({
  name: "Programs: a program sees no credentials, has a group of its own, and ends with the agent",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("exec environment");
    const documents = await insertPending(db, [1]);
    await using home = await agentHome({ db, env: { EXEC_PASS_ENV: "MONGODB_URI_FILE", OTHER: "x" } });
    const worker = await home.write("worker.py", WORKER);
    const uriFile = await home.write("uri", db.uri);
    const agent = await home.startReady({
      env: { PROCESSOR: `exec:["python3", "${worker}"]`, MONGODB_URI: undefined, MONGODB_URI_FILE: uriFile },
    });
    const done: Document = await waitFor(
      "it to be processed",
      () => documents.findOne({ status: "processed" }),
    );
    assert(done.env.includes("OTHER") && done.env.includes("MONGODB_URI_FILE"));
    assertEquals(done.group, done.pid);
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);
    assert(await isGone(done.pid));

    await insertPending(db, [2]);
    const other = await home.startReady({
      env: { PROCESSOR: `exec:python3 ${worker}`, EXEC_PASS_ENV: undefined },
    });
    const { env, pid }: Document = await waitFor(
      "the next",
      () => documents.findOne({ _id: 2, status: "processed" } as never),
    );
    assertEquals(env.filter((name: string) => name.startsWith("MONGODB_URI")), []);
    // Killed: the program reads the end of its input.
    await other.kill9();
    await waitFor("the program to end", () => isGone(pid));
  },
});

Deno.test({
  name: "Programs: a drain waits for the document that a program holds, and the program ends after it",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("exec drain");
    const documents = await insertPending(db, ["slow"]);
    await using home = await agentHome({ db });
    const worker = await home.write("worker.py", WORKER);
    const agent = await home.startReady({ env: { PROCESSOR: `exec:python3 ${worker}` } });
    await waitFor("it to start", () => Deno.stat(`${home.marksFile}.slow`));
    agent.signal("SIGTERM");
    await agent.log("Draining");
    await home.write("marks.go", "");
    assertEquals((await agent.exit()).code, 0);
    const done: Document | null = await documents.findOne({ status: "processed" });
    assert(await isGone(done!.pid));
  },
});

Deno.test({
  name: "Programs: a second signal ends a program that hangs, and its document is released",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("exec force");
    const documents = await insertPending(db, ["slow"]);
    await using home = await agentHome({ db });
    const worker = await home.write(
      "worker.py",
      `import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
${WORKER}`,
    );
    const agent = await home.startReady({ env: { PROCESSOR: `exec:python3 ${worker}` } });
    await waitFor("it to start", () => Deno.stat(`${home.marksFile}.slow`));
    agent.signal("SIGTERM");
    await agent.log("Draining");
    await waitFor("the echo of the first signal to pass", async () => {
      agent.signal("SIGINT");
      return agent.ended || await documents.findOne({ status: "pending" });
    });
    await agent.exit();
    assertEquals((await documents.findOne())?.status, "pending");
  },
});

Deno.test({
  name: "Programs: a document that ends its program becomes a dead letter, and all others are processed",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("exec deadly");
    const documents = await insertPending(db, [1, 2, "deadly", 3, 4, 5]);
    await using home = await agentHome({ db, env: { MAX_ATTEMPTS: "2" } });
    const worker = await home.write("worker.py", WORKER);
    await home.runWith({ args: ["run", "--until-empty"], env: { PROCESSOR: `exec:python3 ${worker}` } });
    assertEquals(await documents.countDocuments({ status: "processed" }), 5);
    const dead: Document | null = await documents.findOne({ status: "failed" });
    assertEquals([dead?._id as unknown, dead?._pull.attempts], ["deadly", 2]);
    assertMatch(dead?.error, /ended with code 9/);
  },
});

for (
  const [command, why] of [
    ["/nowhere/program", "does not exist"],
    ["no-such-program-here", "is in no directory of PATH"],
    [`${ROOT}/deno.json`, "is not executable"],
    [ROOT, "is not a file"],
    ["a | b", "no shell runs"],
    ["", "names no program"],
  ] as const
) {
  Deno.test(`Programs: PROCESSOR=exec:${command.replace(ROOT, "...")} is refused by check and by run`, async () => {
    await using home = await agentHome({
      env: {
        PROCESSOR: `exec:${command}`,
        MONGODB_URI: "mongodb://127.0.0.1:1",
        MONGODB_DATABASE: "db",
        MONGODB_COLLECTION: "c",
      },
    });
    for (const command of ["check", "run"]) {
      const { code, stderr } = await home.run(command);
      assertEquals(code, 2);
      assertStringIncludes(stderr, why);
    }
  });
}

Deno.test({
  name: "PROCESS_TIMEOUT counts from when a program gets the document, not while documents wait for one",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("exec queue");
    const documents = await insertPending(db, Array.from({ length: 12 }, (_, at) => at));
    await using home = await agentHome({ db, env: { PROCESS_TIMEOUT: "1500ms", CONCURRENCY: "12" } });
    const worker = await home.write(
      "worker.py",
      WORKER.replace("    result =", "    time.sleep(0.3)\n    result ="),
    );
    await home.runWith({ args: ["run", "--until-empty"], env: { PROCESSOR: `exec:python3 ${worker}` } });
    assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 12);
  },
});

Deno.test({
  name: "try runs a program, shows what it writes on standard error, and leaves no process behind",
  ignore: noPython,
  async fn() {
    await using home = await agentHome();
    const worker = await home.write(
      "worker.py",
      WORKER.replace("    result =", '    print("at work", file=sys.stderr)\n    result ='),
    );
    const file = await home.write("one.json", '{"_id": 1}');
    const { code, stdout, stderr } = await home.runWith({
      args: ["try", "--file", file, "--json"],
      env: { PROCESSOR: `exec:python3 ${worker}` },
    });
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "at work");
    const pid = Number(/"pid":\s*(?:\{"\$numberInt":")?(\d+)/.exec(stdout)?.[1]);
    assert(pid > 0, stdout);
    assert(await isGone(pid));
  },
});
