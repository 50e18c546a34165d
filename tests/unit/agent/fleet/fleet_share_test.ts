import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { Fleet } from "../../../support/fleet.ts";
import { rounds, testRandom } from "../../../support/random.ts";

Deno.test("FleetShare gives an agent that is alone all of the limit at once", async () => {
  const fleet = new Fleet();
  fleet.add().start();
  await fleet.pass(100);
  assertEquals(fleet.fractions, [1]);
  await fleet.pass(60_000);
  assertEquals(fleet.fractions, [1]);
  await fleet.end();
});

Deno.test("FleetShare divides the limit by ten agents that start at once, and never gives more than all of it", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 10; n++) fleet.add().latencyMs = Math.floor(30 * fleet.random());
  for (const agent of fleet.agents) agent.start();
  await fleet.pass(8000);
  assertEquals(fleet.fractions, Array(10).fill(0.1));
  await fleet.end();
});

Deno.test("FleetShare makes room for an agent that joins, within seconds", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 3; n++) fleet.add().start();
  await fleet.pass(10_000);
  fleet.add().start();
  await fleet.pass(4000);
  assertEquals(fleet.fractions, [0.25, 0.25, 0.25, 0.25]);
  await fleet.end();
});

Deno.test("FleetShare gives the share of a killed agent to the others, and not before it has run out there", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 4; n++) fleet.add().start();
  await fleet.pass(10_000);
  const [killed] = fleet.agents;
  killed!.freeze();
  await fleet.pass(6000);
  assertEquals(fleet.fractions.slice(1), [0.25, 0.25, 0.25]);
  await fleet.pass(9000);
  assertEquals(killed!.limiter.share.fraction, 0);
  for (const { limiter: { share } } of fleet.agents.slice(1)) {
    assertAlmostEquals(share.fraction, 1 / 3);
    assertEquals(share.fleet, { agents: 3, silent: 1 });
  }
  // It was frozen, and comes back.
  killed!.thaw();
  await fleet.pass(6000);
  assertEquals(fleet.fractions, [0.25, 0.25, 0.25, 0.25]);
  await fleet.end();
});

Deno.test("FleetShare gives the share of an agent that ends to the others as soon as they look", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 2; n++) fleet.add().start();
  await fleet.pass(10_000);
  fleet.agents[0]!.enter("draining");
  const stopped = fleet.agents[0]!.share.stop();
  await fleet.pass(3000);
  await stopped;
  assertEquals(fleet.fractions, [0, 1]);
  await fleet.end();
});

Deno.test("FleetShare leaves no share with an agent that is paused, and gives it back with a resume", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 2; n++) fleet.add().start();
  await fleet.pass(10_000);
  fleet.agents[1]!.enter("paused");
  assertEquals(fleet.agents[1]!.limiter.share.fraction, 0);
  await fleet.pass(3000);
  assertEquals(fleet.fractions, [1, 0]);
  fleet.agents[1]!.enter("running");
  await fleet.pass(4000);
  assertEquals(fleet.fractions, [0.5, 0.5]);
  await fleet.end();
});

Deno.test("FleetShare has no more agents work than get a document a minute each: the others stand by", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 5; n++) fleet.add({ documents: 3, perMs: 60_000 }).start();
  await fleet.pass(10_000);
  assertEquals(fleet.fractions.map((share) => Math.round(3 * share)), [1, 1, 1, 0, 0]);
  fleet.agents[1]!.freeze();
  await fleet.pass(16_000);
  assertEquals(fleet.fractions.map((share) => Math.round(3 * share)), [1, 0, 1, 1, 0]);
  await fleet.end();
  const slow = new Fleet();
  for (let n = 0; n < 3; n++) slow.add({ documents: 3, perMs: 3_600_000 }).start();
  await slow.pass(10_000);
  assertEquals(slow.fractions, [1, 0, 0]);
  await slow.end();
});

Deno.test("FleetShare goes on with its share while MongoDB is out of reach, until it runs out", async () => {
  const fleet = new Fleet();
  const agent = fleet.add();
  agent.start();
  await fleet.pass(5000);
  fleet.refusal = new Error("no connection");
  await fleet.pass(4000);
  assertEquals([fleet.fractions, agent.recorder.of("claim_failed").length], [[1], 0]);
  await fleet.pass(6000);
  assertEquals(fleet.fractions, [0]);
  assert(agent.recorder.of("claim_failed").length > 0);
  assertEquals(agent.errors, []);
  fleet.refusal = undefined;
  await fleet.pass(1000);
  assertEquals(fleet.fractions, [1]);
  await fleet.end();
});

Deno.test("FleetShare reports that the registry answers again, also for an agent that stands by and claims nothing", async () => {
  const fleet = new Fleet();
  const hourly = { documents: 3, perMs: 3_600_000 };
  const agents = [fleet.add(hourly), fleet.add(hourly)];
  for (const agent of agents) agent.start();
  await fleet.pass(10_000);
  fleet.refusal = new Error("no connection");
  await fleet.pass(20_000);
  fleet.refusal = undefined;
  await fleet.pass(20_000);
  assertEquals(fleet.fractions, [1, 0]);
  for (const { recorder } of agents) {
    assert(recorder.of("claim_failed").length > 2);
    assertEquals(recorder.of("registry_answers").length, 1);
  }
  await fleet.end();
});

Deno.test("FleetShare without the right to the registry: nothing is claimed, and one line tells the mend", async () => {
  const fleet = new Fleet();
  fleet.refusal = new Error("not authorized");
  const agent = fleet.add();
  agent.start();
  await fleet.pass(60_000);
  assertEquals(fleet.fractions, [0]);
  assertEquals(agent.errors.length, 1);
  assert(agent.errors[0]!.includes("grant find, insert, update and remove"));
  const failures = agent.recorder.of("claim_failed");
  assert(failures.length > 60 && failures.every(({ isLasting }) => isLasting), "a Job ends by these");
  fleet.refusal = undefined;
  await fleet.pass(1000);
  assertEquals(fleet.fractions, [1]);
  await fleet.end();
});

Deno.test("FleetShare sends a write and a query every two seconds once the shares are settled", async () => {
  const fleet = new Fleet();
  for (let n = 0; n < 4; n++) fleet.add().start();
  await fleet.pass(20_000);
  fleet.operations = 0;
  await fleet.pass(60_000);
  // Each of the two is sent and answered.
  assertAlmostEquals(fleet.operations / 4 / 4, 30, 4);
  await fleet.end();
});

Deno.test("FleetShare: agents that start, freeze, pause and end at random never use more than the limit", async () => {
  const random = testRandom();
  for (let round = 0; round < rounds(10); round++) {
    const fleet = new Fleet(random);
    for (let step = 0; step < 40; step++) {
      const agent = fleet.agents[Math.floor(random() * fleet.agents.length)];
      const what = random();
      if (!agent || (what < 0.25 && fleet.agents.length < 8)) {
        const added = fleet.add();
        added.latencyMs = Math.floor(300 * random() ** 3);
        added.start();
      } else if (what < 0.4) agent.freeze();
      else if (what < 0.6) agent.thaw();
      else if (what < 0.7) agent.enter("paused");
      else if (what < 0.9) agent.enter("running");
      else agent.latencyMs = Math.floor(3000 * random() ** 3);
      await fleet.pass(6000 * random());
    }
    for (const agent of fleet.agents) {
      agent.thaw();
      agent.latencyMs = 0;
      agent.enter("running");
    }
    await fleet.pass(40_000);
    const due = 1 / fleet.agents.length;
    for (const fraction of fleet.fractions) assertLess(Math.abs(fraction - due), 1e-3);
    await fleet.end();
  }
});
