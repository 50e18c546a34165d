import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { readProc } from "../support/proc.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

/** Makes a text of so many MiB, of its own for each document. */
const TEXT =
  `const text = (id, mib) => { const part = String(id).padStart(8, "0").repeat(mib * 131_072); return part; };`;

async function checkPeak(pid: number): Promise<void> {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await readProc(`/proc/${pid}/status`));
  const peakMib = Number(peak![1]) / 1024;
  assert(peakMib < 450, `${peakMib} MiB at the peak`);
}

for (const CONCURRENCY of ["1", "16"]) {
  Deno.test(`Results: 80 small documents with results of 4 MiB each do not exhaust the heap at CONCURRENCY=${CONCURRENCY}`, async () => {
    await using db = await testDatabase("result bytes");
    const documents = await insertPending(db, upTo(80));
    await using home = await agentHome({
      db,
      module: `${TEXT} export default async ({ _id }) => ({ set: { text: text(_id, 4) } });`,
      env: { CONCURRENCY, LEASE_DURATION: "60" },
    });
    const agent = await home.start();
    await agent.untilSettled(80, { timeoutMs: 120_000 });
    assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 80);
    await checkPeak(agent.pid);
  });
}

Deno.test("Results: 24 handlers that return 15 MiB each before any weight is known do not exhaust the heap", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(24));
  await using home = await agentHome({
    db,
    // They make their results one after the other: what is held of them, the agent holds.
    module: `${TEXT} export default async ({ _id }) => {
      mark(_id);
      await new Promise((resolve) => setTimeout(resolve, 500 + 10 * Number(_id)));
      return { set: { text: text(_id, 15) } };
    };`,
    env: { CONCURRENCY: "100", LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(24, { timeoutMs: 240_000 });
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), 24);
  const { level } = await agent.log("Released documents whose results found no room in memory");
  assertEquals(level, "WARNING");
});

Deno.test("batches whose results weigh 1 MiB a document do not exhaust the heap", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(200));
  await using home = await agentHome({
    db,
    module:
      `${TEXT} export const processBatch = (documents) => documents.map(({ _id }) => ({ set: { text: text(_id, 1) } }));`,
    env: { BATCH_SIZE: "50", CONCURRENCY: "2", LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(200, { timeoutMs: 120_000 });
  assertEquals(await documents.countDocuments({ status: "processed" }), 200);
  await checkPeak(agent.pid);
});

Deno.test("Results: errors with texts of 16 MiB do not exhaust the heap, and are cut before they are kept", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(40));
  await using home = await agentHome({
    db,
    module: `${TEXT} export default ({ _id }) => { throw new Error(text(_id, 16)); };`,
    env: { MAX_ATTEMPTS: "1", CONCURRENCY: "1", LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(40, { timeoutMs: 120_000 });
  for await (const { error } of documents.find()) assertEquals(String(error).length, 1000);
  await checkPeak(agent.pid);
});

Deno.test("Results: handlers wait for a database that is slow to take their results", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(30));
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({
    db: { uri: proxy.uri, name: db.name },
    module:
      `${TEXT} export default async ({ _id }) => { mark(_id); return { set: { text: text(_id, 4) } }; };`,
    env: { CONCURRENCY: "2", LEASE_DURATION: "60", BATCH_SIZE: "15" },
  });
  const held = proxy.hold({ command: "update", collection: "documents" });
  const agent = await home.start();
  // The claim: it is an update, too.
  await held.arrived;
  const acks = proxy.hold({ command: "update", collection: "documents" });
  held.pass();
  await acks.arrived;
  // Four of them fill what may wait; each of two handlers has begun one before it knew how much its result weighs.
  const started = (await home.marks()).length;
  assert(started >= 1 && started <= 6, `${started} handlers had started`);
  acks.pass();
  await agent.untilSettled(30, { timeoutMs: 120_000 });
  assertEquals(await documents.countDocuments({ status: "processed" }), 30);
});

Deno.test("Results: those that are parts of large texts do not keep these in memory", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(40));
  await using home = await agentHome({
    db,
    module: `${TEXT} export default ({ _id }) => {
      const page = text(_id, 16);
      return { set: { title: page.slice(8, 48), parts: [page.slice(100, 5000)] } };
    };`,
    env: { CONCURRENCY: "1", LEASE_DURATION: "60" },
  });
  const agent = await home.start();
  await agent.untilSettled(40, { timeoutMs: 60_000 });
  assertEquals(await documents.countDocuments({ status: "processed" }), 40);
  await checkPeak(agent.pid);
});
