import { assertEquals } from "@std/assert";
import { AgentHarness } from "../../support/agent_harness.ts";

Deno.test("Agent hands back all that a late claim brings in one write, not in one a document", async () => {
  const h = new AgentHarness(() => {});
  h.store.insert(3);
  const { go, reached } = h.store.hold("claim");
  const running = h.agent.run();
  await reached.wait();
  h.agent.drain("test");
  go();
  assertEquals((await running).released, 3);
  assertEquals(h.store.callsOf("release").length, 1);
});
