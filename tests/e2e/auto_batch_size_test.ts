import { assert, assertEquals, assertGreater } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const SLOTS = 16;
/** Notes each start; in a slow agent no handler ends by itself. */
const MODULE = `
export default async ({ _id }, { signal }) => {
  mark("start " + _id);
  if (!Deno.env.get("SLOW")) return;
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
};`;

Deno.test("BATCH_SIZE of auto takes larger and larger batches if handlers take no time", async () => {
  await using db = await testDatabase("auto batch size");
  await insertPending(db, upTo(6000));
  await using home = await agentHome({
    db,
    module: "export default () => {};",
    env: { BATCH_SIZE: "auto", LOG_LEVEL: "debug" },
  });
  assertEquals((await home.run("check")).code, 0);
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit({ timeoutMs: 120_000 })).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 6000);
  const sizes = agent.entries.filter(({ message }) => message.startsWith("Claimed"))
    .map(({ documents }) => Number(documents));
  assertGreater(Math.max(...sizes), 300, `${sizes}`);
  assert(sizes.every((size) => size <= 5000), `${sizes}`);
});

Deno.test("BATCH_SIZE of auto holds little if handlers are slow, so that another agent finds documents, and a kill -9 leaves as little behind", async () => {
  await using db = await testDatabase("auto batch size slow");
  const documents = await insertPending(db, upTo(600));
  await using home = await agentHome({
    db,
    module: MODULE,
    env: {
      BATCH_SIZE: "auto",
      PROCESS_TIMEOUT: "1h",
      SHUTDOWN_TIMEOUT: "1",
      CONCURRENCY: `${SLOTS}`,
      METRICS_FILE: "true",
      LEASE_DURATION: "6",
    },
  });
  const slow = await home.start({ env: { SLOW: "true" } });
  const inProcessing = () => documents.countDocuments({ status: "processing" });
  const held = await waitFor("the surplus to be released", async () => {
    const { held } = await slow.status();
    return held.running === SLOTS && held.documents <= 2 * SLOTS && held;
  }, { timeoutMs: 60_000 });
  const { stdout } = await home.run("metrics");
  assert(new RegExp(`^pulling_agent_batch_size ${SLOTS}$`, "m").test(stdout), stdout);
  assert(await inProcessing() <= 2 * SLOTS, `${JSON.stringify(held)}`);

  const other = await home.start({
    env: { AGENT_NAME: "other", HEALTH_DIR: `${home.dir}/health-other` },
  });
  await waitFor(
    "the other agent to process the rest",
    async () => await documents.countDocuments({ status: "processed" }) >= 600 - 2 * SLOTS,
  );
  await slow.kill9();
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 600,
  );
  other.signal("SIGTERM");
  assertEquals((await other.exit()).code, 0);
  const starts = (await home.marks()).map(({ text }) => text);
  assert(starts.length <= 600 + SLOTS, `${starts.length} starts`);
  assertEquals(new Set(starts).size, 600);
});
