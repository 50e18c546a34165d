import { assertEquals } from "@std/assert";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { jobs, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Cut connections: connections that are cut again and again cost no document and no second run", async () => {
  await using setup = await proxiedStore("lost answers");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(200));
  const runs: number[] = [];
  await using agent = new InProcessAgent(store, ({ _id }) => {
    if (runs.push(_id) % 40 === 0) proxy.cut();
  }, { batchSize: 10 });

  const processed = () => jobs(database).countDocuments({ status: "processed" });
  await waitFor("all to be processed", async () => await processed() === 200);
  await agent.drain();
  assertEquals(runs.sort((a, b) => a - b), Array.from({ length: 200 }, (_, id) => id));
  assertEquals(agent.count("lease_lost"), 0);
});
