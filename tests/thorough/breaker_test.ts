import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { HttpService } from "../support/http_service.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const WAITING = 100_000;

Deno.test("Breaker: an outage over 100,000 waiting documents costs two agents few attempts, and the drain goes on within the cooldown", async () => {
  await using db = await testDatabase("breaker outage");
  const documents = await insertPending(db, upTo(WAITING));
  let isDown = true;
  await using service = new HttpService(() => new Response("", { status: isDown ? 503 : 200 }));
  const env = {
    PROCESSOR: service.url,
    BREAKER_COOLDOWN: "500ms",
    CONCURRENCY: "64",
    LEASE_DURATION: "60",
    // A busy machine takes long for the first row: no document of it fails a second time meanwhile.
    RETRY_BACKOFF: "60",
    RETRY_BACKOFF_MAX: "60",
  };
  await using one = await agentHome({ db, env });
  await using other = await agentHome({ db, env });
  const agents = [await one.start(), await other.start()];
  const openings = () =>
    agents.flatMap(({ entries }) => entries.filter(({ message }) => /claims wait/.test(message)));
  // 0.5, 1, 2, 4, 8 and 15 seconds: as ten minutes with the defaults.
  await waitFor("each breaker to open six times", () => openings().length >= 12);
  const attempts = await documents.aggregate([
    { $match: { "_pull.attempts": { $gt: 0 } } },
    { $group: { _id: null, sum: { $sum: "$_pull.attempts" } } },
  ]).toArray();
  assert(attempts[0]!.sum <= 2 * (20 + 3 * 7), `${attempts[0]!.sum} attempts`);
  assertEquals(await documents.countDocuments({ status: "failed" }), 0);
  isDown = false;
  const closings = () =>
    agents.filter(({ entries }) => entries.some(({ message }) => /works again/.test(message)));
  await waitFor("both breakers to close", () => closings().length === 2);
  await waitFor(
    "the drain to go on",
    async () => await documents.countDocuments({ status: "processed" }) >= 5000,
  );
  assertEquals(await documents.countDocuments({ status: "failed" }), 0);
});

Deno.test("Breaker: 200 bad documents at the head do not hold up 5,000 good ones, and become dead letters", async () => {
  await using db = await testDatabase("breaker block");
  const documents = await insertPending(db, upTo(5200));
  await using service = new HttpService(({ body }) =>
    new Response("", { status: JSON.parse(body)._id <= 200 ? 500 : 200 })
  );
  await using home = await agentHome({ db, env: { PROCESSOR: service.url, LEASE_DURATION: "60" } });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.countDocuments({ status: "failed" }), 200);
  assertEquals(await documents.countDocuments({ status: "processed" }), 5000);
  assertEquals(agent.entries.filter(({ message }) => message.includes("claims wait")), []);
});
