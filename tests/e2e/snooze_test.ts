import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { HttpService } from "../support/http_service.ts";
import { PYTHON } from "../support/languages.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import type { AnyDocument } from "../support/store.ts";

/** Long enough that only the agent's own schedule can wake it. */
const RARELY = { POLL_INTERVAL: "1h", CHANGE_STREAM: "off" };

Deno.test("snoozeMs puts a document off as often as a module asks for, and `run --until-empty` waits for it", async () => {
  await using db = await testDatabase("snooze");
  await insertPending(db, upTo(20));
  const module = `
    export default (_, { attempt, snoozes }) =>
      snoozes < 3 ? { snoozeMs: 100 + snoozes } : { set: { attempt, snoozes } };`;
  await using home = await agentHome({ db, module, env: { ...RARELY, MAX_ATTEMPTS: "1" } });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0);
  const { processed, retried, snoozed } = await agent.log("Nothing claimable is left");
  assertEquals([processed, retried, snoozed], [20, 0, 60]);
  await agent.log("Put documents off, as their processor asked");
  const documents = await documentsOf(db).find().toArray() as AnyDocument[];
  for (const { attempt, snoozes, status, _pull } of documents) {
    assertEquals([status, attempt, snoozes, _pull], ["processed", 1, 3, { attempts: 1 }]);
  }
});

Deno.test("snoozeMs above MAX_SNOOZE is cut to it, and `status` counts the documents", async () => {
  await using db = await testDatabase("snooze");
  const documents = await insertPending(db, [1]) as AnyDocument;
  const module = `export default () => ({ snoozeMs: 1e12 });`;
  await using home = await agentHome({ db, module, env: { ...RARELY, MAX_SNOOZE: "2h" } });
  const agent = await home.startReady();
  await agent.untilStatus("it to be put off", ({ counters }) => counters.snoozed === 1);
  const { status, _pull: { visible_at: due, ...rest } } = await documents.findOne();
  assertEquals([status, rest], ["pending", { attempts: 0, snoozes: 1 }]);
  assertEquals(Math.ceil((due - Date.now()) / 3_600_000), 2);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("snoozeMs that is none, or beside set, makes a dead letter that says what to write", async () => {
  await using db = await testDatabase("snooze");
  const documents = await insertPending(db, [1, 2]) as AnyDocument;
  const module = `
    export const processBatch = (documents) =>
      documents.map(({ _id }) => _id === 1 ? { snoozeMs: -5 } : { snoozeMs: 5, set: { a: 1 } });`;
  await using home = await agentHome({ db, module, env: RARELY });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0);
  const failed = await documents.find().sort({ _id: 1 }).toArray();
  assertEquals(failed.map(({ status }: AnyDocument) => status), ["failed", "failed"]);
  assertMatch(failed[0].error, /"snoozeMs" must be a number of milliseconds of 0 or more, not -5/);
  assertMatch(failed[1].error, /"snoozeMs" puts it off: return one of the two/);
});

Deno.test("snoozeMs of a handler that ends while the agent drains is written, and another agent goes on", async () => {
  await using db = await testDatabase("snooze");
  const documents = await insertPending(db, [1]) as AnyDocument;
  const module = `
    export default async ({ _id }, { snoozes }) => {
      if (snoozes > 0) return { set: { snoozes } };
      await mark("started");
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { snoozeMs: 300 };
    };`;
  await using home = await agentHome({ db, module, env: RARELY });
  const first = await home.startReady();
  await home.untilMarked("started");
  first.signal("SIGTERM");
  assertEquals((await first.exit()).code, 0);
  const { status, _pull } = await documents.findOne();
  assertEquals([status, _pull.attempts, _pull.snoozes], ["pending", 0, 1]);
  const second = await home.start({ env: { POLL_INTERVAL: "100ms" } });
  await second.untilStatus("it to be processed", ({ counters }) => counters.processed === 1);
  assertEquals((await documents.findOne()).snoozes, 1);
});

Deno.test("snoozeMs puts a document off that a program in another language answers with it", async () => {
  await using db = await testDatabase("snooze");
  const documents = await insertPending(db, [1]) as AnyDocument;
  const answer = String
    .raw`s/^.*"id": *"([^"]*)", *"attempt".*$/{"id":"\1","ok":true,"result":{"snoozeMs":60000}}/`;
  const PROCESSOR = `exec:${JSON.stringify(["sed", "-u", "-E", answer])}`;
  await using home = await agentHome({ db, env: { ...RARELY, PROCESSOR } });
  const agent = await home.startReady();
  await agent.untilStatus("it to be put off", ({ counters }) => counters.snoozed === 1);
  const { status, _pull } = await documents.findOne();
  assertEquals([status, _pull.attempts, _pull.snoozes], ["pending", 0, 1]);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test({
  name: "snoozeMs is counted for a service and for a program, alone and in batches",
  ignore: await isMissing(PYTHON),
  async fn() {
    await using service = new HttpService(({ headers }) => {
      const snoozes = Number(headers.get("x-snoozes"));
      return Response.json(snoozes < 2 ? { snoozeMs: 20 } : { set: { snoozes } });
    });
    await using batches = new HttpService(({ headers, body }) => {
      const snoozes = Number(headers.get("x-snoozes"));
      return Response.json(JSON.parse(body).map(() => snoozes < 2 ? { snoozeMs: 20 } : { set: { snoozes } }));
    });
    await using home = await agentHome();
    const program = await home.write("worker.py", COUNTING);
    for (
      const env of [
        { PROCESSOR: service.url },
        { PROCESSOR: batches.url, PROCESSOR_BATCH: "true" },
        { PROCESSOR: `exec:python3 ${program}` },
        { PROCESSOR: `exec:python3 ${program}`, PROCESSOR_BATCH: "true" },
      ]
    ) {
      await using db = await testDatabase("snoozes");
      const documents = await insertPending(db, [1]) as AnyDocument;
      await using there = await agentHome({ db, env });
      assertEquals((await there.run("run", "--until-empty")).code, 0);
      const { status, snoozes, _pull } = await documents.findOne();
      assertEquals([status, snoozes, _pull.attempts], ["processed", 2, 1], JSON.stringify(env));
    }
  },
});

/** Puts each document off twice. */
const COUNTING = `import json, sys
def result(call): return {"snoozeMs": 20} if call["snoozes"] < 2 else {"set": {"snoozes": call["snoozes"]}}
for line in sys.stdin:
    call = json.loads(line)
    found = [result(each) for each in call["batch"]] if "batch" in call else result(call)
    print(json.dumps({"id": call["id"], "ok": True, "result": found}), flush=True)
`;
