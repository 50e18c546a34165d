import { assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { checkPeak, drainBurst, drainLargeResults, TEXT } from "../support/result_bytes.ts";

for (const concurrency of [1, 16]) {
  Deno.test(`Results: 80 small documents with results of 4 MiB each do not exhaust the heap at CONCURRENCY=${concurrency}`, async () => {
    await drainLargeResults({ concurrency });
  });
}

Deno.test("Results: 12 handlers return more than can be held before any weight is known, and some of their documents are released", async () => {
  await drainBurst({ handlers: 12 });
});

Deno.test("Results: 24 handlers that return 15 MiB each before any weight is known do not exhaust the heap", async () => {
  await drainBurst({ handlers: 24 });
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
  await agent.untilSettled(200);
  assertEquals(await documents.countDocuments({ status: "processed" }), 200);
  await checkPeak(agent.pid);
});

Deno.test("Results: errors with texts of 16 MiB do not exhaust the heap, and are cut before they are kept", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(40));
  await using home = await agentHome({
    db,
    module: `${TEXT} export default ({ _id }) => { throw new Error(text(_id, 16)); };`,
    env: { MAX_ATTEMPTS: "1", CONCURRENCY: "1", LEASE_DURATION: "60", BREAKER_THRESHOLD: "0" },
  });
  const agent = await home.start();
  await agent.untilSettled(40);
  for await (const { error } of documents.find()) assertEquals(String(error).length, 1000);
  await checkPeak(agent.pid);
});
