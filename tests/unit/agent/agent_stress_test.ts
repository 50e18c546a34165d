import { assert, assertEquals } from "@std/assert";
import { AgentHarness } from "../../support/agent_harness.ts";
import { TransientError } from "../../support/fake_store.ts";
import { sleep } from "../../../agent/lib/deadline.ts";
import { integerFrom, pick, seededRandom } from "../../support/random.ts";

/** One agent's life: documents, failures, pauses, and an end at any moment. Checks what must hold whatever happened. */
async function life(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const h = new AgentHarness(async (_, { signal }) => {
    const fate = random();
    await sleep(h.clock, integerFrom(random, 0, 300), fate < 0.5 ? signal : undefined);
    if (fate < 0.2) throw new Error("failed");
    if (fate < 0.25) throw Object.assign(new Error("failed for good"), { permanent: true });
    return { set: { seed } };
  }, {
    batchSize: integerFrom(random, 1, 12),
    concurrency: integerFrom(random, 1, 6),
    shutdownTimeoutMs: integerFrom(random, 0, 2000),
  });
  h.store.insert(integerFrom(random, 0, 60));
  const running = h.agent.run();
  for (let step = integerFrom(random, 0, 12); step > 0; step--) {
    const method = pick(random, ["claim", "ack", "nack", "release", "renew", "deadLetter"] as const);
    const action = pick(
      random,
      ["wait", "wait", "pause", "resume", "insert", "fail", "lose answer"] as const,
    );
    if (action === "pause" || action === "resume") h.gate[action]("signal");
    if (action === "insert") h.store.insert(integerFrom(random, 1, 20));
    if (action === "fail") h.store.fail(method, new TransientError("outage"));
    if (action === "lose answer") h.store.fail(method, new TransientError("no answer"), { applied: true });
    await h.clock.advance(integerFrom(random, 0, 400));
  }
  pick(random, [() => h.agent.drain("stress"), () => h.agent.force("stress")])();
  if (random() < 0.3) h.agent.drain("again");
  if (random() < 0.3) h.agent.force("again");
  await h.clock.advance(10_000);
  const { abandoned } = await running;

  const context = `seed ${seed}`;
  assertEquals(h.agent.state, "stopped", context);
  assertEquals(h.clock.pending, 0, `${context}: a timer is left behind`);
  const held = [...h.store.documents.values()].filter(({ status }) => status === "processing");
  assert(held.length <= abandoned, `${context}: ${held.length} documents left behind, ${abandoned} reported`);
  for (const { attempts, id } of h.store.documents.values()) {
    assert(attempts <= 3, `${context}: ${id} had ${attempts} attempts`);
  }
  assertEquals(h.recorder.of("unhandled_error"), [], context);
}

Deno.test("Agent: 50 start, work through whatever happens, and stop at once and together, leaving nothing", async () => {
  await Promise.all(Array.from({ length: 50 }, (_, seed) => life(seed)));
});

Deno.test("Agent: 150 more lives, one after the other", async () => {
  for (let seed = 1000; seed < 1150; seed++) await life(seed);
});
