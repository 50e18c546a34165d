import { assertEquals } from "@std/assert";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { jobs, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Cut connections: connections that are cut again and again cost no document and no second run", async () => {
  await using database = await testDatabase("lost answers");
  await using proxy = new TcpProxy(database.uri);
  await using store = openStore({ uri: proxy.uri, name: database.name });
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
