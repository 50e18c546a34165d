import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
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
