import { assert, assertEquals } from "@std/assert";
import { AgentSetup } from "../../support/agent_setup.ts";
import { TransientError } from "../../support/fake_store.ts";
import { sleep } from "../../../agent/lib/deadline.ts";
import { integerFrom, pick, rounds, seededRandom } from "../../support/random.ts";

/** One agent's life: documents, failures, pauses, and an end at any moment. Checks what must hold in any case. */
async function life(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const setup = new AgentSetup(async (_, { signal }) => {
    const fate = random();
    await sleep(setup.clock, integerFrom(random, 0, 300), fate < 0.5 ? signal : undefined);
    if (fate < 0.2) throw new Error("failed");
    if (fate < 0.25) throw Object.assign(new Error("failed for good"), { permanent: true });
    return { set: { seed } };
  }, {
    batchSize: integerFrom(random, 1, 12),
    concurrency: integerFrom(random, 1, 6),
    shutdownTimeoutMs: integerFrom(random, 0, 2000),
  });
  setup.store.insert(integerFrom(random, 0, 60));
  const running = setup.agent.run();
  for (let step = integerFrom(random, 0, 12); step > 0; step--) {
    const method = pick(random, ["claim", "ack", "nack", "release", "renew", "deadLetter"] as const);
    const action = pick(
      random,
      ["wait", "wait", "pause", "resume", "insert", "fail", "lose answer"] as const,
    );
    if (action === "pause" || action === "resume") setup.gate[action]("signal");
    if (action === "insert") setup.store.insert(integerFrom(random, 1, 20));
    if (action === "fail") setup.store.fail(method, new TransientError("outage"));
    if (action === "lose answer") {
      setup.store.fail(method, new TransientError("no answer"), { applied: true });
    }
    await setup.clock.advance(integerFrom(random, 0, 400));
  }
  pick(random, [() => setup.agent.drain("stress"), () => setup.agent.force("stress")])();
  if (random() < 0.3) setup.agent.drain("again");
  if (random() < 0.3) setup.agent.force("again");
  await setup.clock.advance(10_000);
  const { abandoned } = await running;

  const context = `seed ${seed}`;
  assertEquals(setup.agent.state, "stopped", context);
  assertEquals(setup.clock.pending, 0, `${context}: a timer is left behind`);
  const held = [...setup.store.documents.values()].filter(({ status }) => status === "processing");
  assert(held.length <= abandoned, `${context}: ${held.length} documents left behind, ${abandoned} reported`);
  for (const { attempts, id } of setup.store.documents.values()) {
    assert(attempts <= 3, `${context}: ${id} had ${attempts} attempts`);
  }
  assertEquals(setup.recorder.of("unhandled_error"), [], context);
}

Deno.test("Agent: 50 agents start, work through random faults, stop at the same time, and leave nothing behind", async () => {
  await Promise.all(Array.from({ length: 50 }, (_, seed) => life(seed)));
});

Deno.test("Agent: more lives, one after the other", async () => {
  for (let seed = 1000; seed < 1000 + rounds(20); seed++) await life(seed);
});
