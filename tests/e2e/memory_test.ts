import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

Deno.test("failed connection attempts leave no memory behind, neither those of the driver nor those of a processor", async () => {
  await using db = await testDatabase("memory");
  await insertPending(db, upTo(1));
  await using home = await agentHome({
    db,
    // What the driver does for each attempt: a time limit before the connection stands, and `destroy` when it fails.
    module: `
      import { connect } from "node:net";
      import { connect as connectTls } from "node:tls";
      const attempt = (connect, options) =>
        new Promise((resolve) => {
          const socket = connect(options);
          socket.setTimeout(60_000);
          socket.once("error", () => socket.destroy());
          socket.once("close", resolve);
        });
      export default async () => {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const { port: closed } = listener.addr;
        listener.close();
        const attempts = async (count) => {
          for (let i = 0; i < count; i++) {
            await attempt(i % 2 ? connect : connectTls, { host: i % 3 ? "127.0.0.1" : "localhost", port: closed });
          }
        };
        await attempts(100);
        const before = Deno.memoryUsage().external;
        await attempts(500);
        return { set: { before, after: Deno.memoryUsage().external } };
      };`,
    env: { LEASE_DURATION: "60" },
  });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0, agent.output);
  const { before, after } = (await db.db.collection("documents").findOne({ status: "processed" }))!;
  assert(after - before < 500 * 32 * 1024, `from ${before} to ${after} bytes beside the heap`);
});
