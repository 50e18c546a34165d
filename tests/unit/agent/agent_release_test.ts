import { assertEquals } from "@std/assert";
import { AgentSetup } from "../../support/agent_setup.ts";

Deno.test("Agent releases all documents of a late claim in one write, not in one per document", async () => {
  const setup = new AgentSetup(() => {});
  setup.store.insert(3);
  const { go, reached } = setup.store.hold("claim");
  const running = setup.agent.run();
  await reached.wait();
  setup.agent.drain("test");
  go();
  assertEquals((await running).released, 3);
  assertEquals(setup.store.callsOf("release").length, 1);
});
