import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { PYTHON } from "../support/languages.ts";
import { isMissing } from "../support/optional.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** A document of 60 pages, of which a run does one every 50 ms until it is stopped. */
const PAGES = `
  export default async ({ _id }, { attempt, checkpoint, saved, stopping }) => {
    let page = saved?.page ?? 0;
    mark("from " + _id + " " + page);
    for (; page < 60; page++) {
      if (stopping.aborted) await checkpoint({ page });
      stopping.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 50));
      checkpoint({ page: page + 1 });
    }
    return { set: { attempt } };
  };`;

/** The pages that runs began with, by the document, from what they marked. */
function starts(marks: readonly { text: string }[]): Record<string, number[]> {
  const pages: Record<string, number[]> = {};
  for (const { text } of marks) {
    const [, id, page] = /from (\d+) (\d+)$/.exec(text) ?? [];
    if (id !== undefined) (pages[id] ??= []).push(Number(page));
  }
  return pages;
}

Deno.test("checkpoint() lets the agent that takes over after kill -9 go on where the killed one was", async () => {
  await using db = await testDatabase("checkpoints");
  const documents = await insertPending(db, upTo(4)) as AnyDocument;
  await using home = await agentHome({ db, module: PAGES });
  const first = await home.startReady();
  await waitFor(
    "all to be far",
    async () => await documents.countDocuments({ "_pull.saved.data.page": { $gt: 20 } }) === 4,
  );
  await first.kill9();
  const left = await documents.find().sort({ _id: 1 }).toArray();
  const second = await home.start();
  await second.untilStatus("all to be processed", ({ counters }) => counters.processed === 4);
  const begun = starts(await home.marks());
  for (const { _id, _pull } of left) assertEquals(begun[_id], [0, _pull.saved.data.page]);
  const after = await documentsOf(db).find().toArray() as AnyDocument[];
  assertEquals(after.map(({ attempt, _pull }) => [attempt, _pull]), Array(4).fill([1, { attempts: 1 }]));
  second.signal("SIGTERM");
  assertEquals((await second.exit()).code, 0);
});

Deno.test("StoppingError, thrown by stopping.throwIfAborted(), lets long documents stop at SIGTERM, and another agent go on from their checkpoint", async () => {
  await using db = await testDatabase("checkpoints");
  const documents = await insertPending(db, upTo(4)) as AnyDocument;
  await using home = await agentHome({ db, module: PAGES, env: { SHUTDOWN_TIMEOUT: "1h" } });
  const first = await home.startReady();
  await waitFor(
    "all to have begun",
    async () => await documents.countDocuments({ "_pull.saved.data.page": { $gt: 3 } }) === 4,
  );
  first.signal("SIGTERM");
  assertEquals((await first.exit()).code, 0);
  const { abandoned, released } = await first.log("Drained");
  assertEquals([released, abandoned], [4, 0]);
  const left = await documents.find().sort({ _id: 1 }).toArray();
  assertEquals(
    left.map(({ status, _pull }: AnyDocument) => [status, _pull.attempts, _pull.takeovers]),
    Array(4).fill(["pending", 0, undefined]),
  );
  const second = await home.start();
  await second.untilStatus("all to be processed", ({ counters }) => counters.processed === 4);
  const begun = starts(await home.marks());
  for (const { _id, _pull } of left) {
    assert(_pull.saved.data.page > 3);
    assertEquals(begun[_id], [0, _pull.saved.data.page]);
  }
});

const REASONS = `
  export default async ({ _id }, { attempt, signal, stopping }) => {
    if (attempt > 1) return;
    mark("start " + _id);
    stopping.addEventListener("abort", () => mark(_id + " " + stopping.reason.name));
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    mark(_id + " " + signal.reason.name);
    return { set: { inTime: true } };
  };`;

Deno.test("signal.reason tells a module by its name that the time is over, or that another agent has the document", async () => {
  await using db = await testDatabase("reasons");
  const documents = await insertPending(db, [1, 2]) as AnyDocument;
  await using home = await agentHome({ db, module: REASONS, env: { PROCESS_TIMEOUT: "3s" } });
  await home.startReady();
  await home.untilMarked("start 1");
  await home.untilMarked("start 2");
  await documents.updateOne({ _id: 2 }, { $set: { "_pull.token": "by force" } });
  await home.untilMarked("2 LeaseLostError");
  await home.untilMarked("1 ProcessTimeoutError");
});

Deno.test("signal.reason is preceded by stopping.reason at the end of the agent; what returns right after it is done", async () => {
  await using db = await testDatabase("reasons");
  const documents = await insertPending(db, [1]) as AnyDocument;
  await using home = await agentHome({ db, module: REASONS, env: { SHUTDOWN_TIMEOUT: "0" } });
  const agent = await home.startReady();
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  const marks = (await home.marks()).map(({ text }) => text);
  assertEquals(marks, ["start 1", "1 StoppingError", "1 ForcedStopError"]);
  const { inTime, status } = await documents.findOne();
  assertEquals([status, inTime], ["processed", true]);
});

/** How far the runs of the documents have come. */
const pagesOf = async (documents: AnyDocument): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await documents.find({ "_pull.saved": { $exists: true } }).toArray()).map((
      { _id, _pull }: AnyDocument,
    ) => [_id, _pull.saved.data.page]),
  );

const EXAMPLE = new URL("../../examples/long_work.py", import.meta.url).pathname;
/** The example, which notes the page that it begins with. */
const NOTED =
  `import json,os,sys;exec(open("${EXAMPLE}").read().replace("    while page", "    print(f\\"from {call['document']['_id']} {page}\\", file=sys.stderr, flush=True)\\n    while page",1))`;
const PYTHON_PROGRAM = `exec:${JSON.stringify(["python3", "-c", NOTED])}`;

for (
  const [how, signal] of [["kill -9", "SIGKILL"], [
    "SIGTERM, long before SHUTDOWN_TIMEOUT",
    "SIGTERM",
  ]] as const
) {
  Deno.test({
    name: `Programs: a Python program goes on from its checkpoint in another agent after ${how}`,
    ignore: await isMissing(PYTHON),
    async fn() {
      await using db = await testDatabase("checkpoints");
      const documents = await insertPending(db, [1, 2]) as AnyDocument;
      await documents.updateMany({}, { $set: { pages: 40 } });
      const env = { PROCESSOR: PYTHON_PROGRAM, EXEC_PROCESSES: "2", SHUTDOWN_TIMEOUT: "1h" };
      await using home = await agentHome({ db, env });
      const first = await home.startReady();
      const far = ({ 1: a = 0, 2: b = 0 }: Record<string, number>) => a > 5 && b > 5;
      await waitFor("both to be far", async () => far(await pagesOf(documents)));
      first.signal(signal);
      assertEquals((await first.exit()).code, signal === "SIGTERM" ? 0 : 137);
      const left = await pagesOf(documents);
      const second = await home.start();
      await second.untilStatus("both to be processed", ({ counters }) => counters.processed === 2);
      for (const [id, page] of Object.entries(left)) await second.log(`from ${id} ${page}`);
      const stored = await documents.find().toArray();
      assertEquals(
        stored.map(({ done, _pull }: AnyDocument) => [done, _pull]),
        Array(2).fill([40, { attempts: 1 }]),
      );
    },
  });
}

Deno.test("status shows which documents are being processed, since when, and how far they are, without secrets", async () => {
  await using db = await testDatabase("progress");
  await insertPending(db, [1, 2]);
  const module = `
    export default async ({ _id }, { progress, signal }) => {
      if (_id === 1) progress(0.427, "page 427\\u0007 of mongodb://user:hunter2@host/");
      mark("start " + _id);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };`;
  await using home = await agentHome({ db, module, env: { SHUTDOWN_TIMEOUT: "0" } });
  const agent = await home.startReady();
  await home.untilMarked("start 1");
  await home.untilMarked("start 2");
  const { stdout } = await home.run("status");
  assertMatch(
    stdout,
    /^running {9}1, attempt 1, since \S+ UTC, \d+ s ago, 42 %: page 427\\u0007 of mongodb:\/\/\*\*\*@host\/$/m,
  );
  assertMatch(stdout, /^running {9}2, attempt 1, since \S+ UTC, \d+ s ago$/m);
  const { running } = JSON.parse((await home.run("status", "--json")).stdout);
  assertEquals(running.map(({ id, progress }: AnyDocument) => [id, progress]), [["1", 0.427], [
    "2",
    undefined,
  ]]);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});
