import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { checkPeak, TEXT } from "../support/result_bytes.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

Deno.test("Results: handlers wait for a database that is slow to take their results", async () => {
  await using db = await testDatabase("result bytes");
  const documents = await insertPending(db, upTo(12));
  await using proxy = new TcpProxy(db.uri);
  await using home = await agentHome({
    db: { uri: proxy.uri, name: db.name },
    module:
      `${TEXT} export default async ({ _id }) => { mark(_id); return { set: { text: text(_id, 4) } }; };`,
    env: { CONCURRENCY: "2", LEASE_DURATION: "60", BATCH_SIZE: "12" },
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
  await agent.untilSettled(12);
  assertEquals(await documents.countDocuments({ status: "processed" }), 12);
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
  await agent.untilSettled(40);
  assertEquals(await documents.countDocuments({ status: "processed" }), 40);
  await checkPeak(agent.pid);
});
