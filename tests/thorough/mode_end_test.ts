import { assertEquals, assertStringIncludes } from "@std/assert";
import { CHANGE_MS } from "../../agent/store/ranges/mode_times.ts";
import { agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** More than an agent waits for the lease of the others, in milliseconds. */
const ENDED_MS = CHANGE_MS + 120_000;

Deno.test("CLAIM_MODE of range: an agent that starts beside one in document mode ends with an error, and the other works on", async () => {
  await using db = await testDatabase("mode end");
  const documents = db.db.collection<{ _id: number; status: string }>("documents");
  let last = 0;
  const insert = () => documents.insertOne({ _id: ++last, status: "pending" });
  const allProcessed = () =>
    waitFor("all to be processed", async () => {
      return await documents.countDocuments({ status: "processed" }) === last;
    });
  await using home = await agentHome({ db });
  const start = (mode: string) =>
    home.start({ env: { AGENT_NAME: mode, CLAIM_MODE: mode, HEALTH_DIR: `${home.dir}/health_${mode}` } });
  await insert();
  const worker = await start("document");
  await allProcessed();
  const other = await start("range");
  const exit = other.exit({ timeoutMs: ENDED_MS });
  const refused = await other.log("Cannot claim documents");
  assertStringIncludes(String(refused.error), `agents with CLAIM_MODE=document work on the collection`);
  let isOver = false;
  void exit.finally(() => isOver = true).catch(() => {});
  while (!isOver) {
    await insert();
    await allProcessed();
  }
  const { code } = await exit;
  assertEquals(code, 1, other.output);
  assertStringIncludes(other.output, "stop all of them, wait 90 seconds");
  await insert();
  await allProcessed();
  worker.signal("SIGTERM");
  assertEquals((await worker.exit()).code, 0, worker.output);
});
