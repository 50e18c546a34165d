import { assert, assertEquals } from "@std/assert";
import { Renewals } from "../../../../../agent/store/connection/renewals.ts";
import { ManualClock, settled } from "../../../../support/manual_clock.ts";
import { integerFrom, testRandom } from "../../../../support/random.ts";

/** A connection that a test has refused, let in and renewed, and all attempts to renew it. */
class Setup {
  readonly clock = new ManualClock();
  readonly stop = new AbortController();
  readonly renewals: Renewals;
  isRefused = false;
  /** When each attempt that a refusal led to began. */
  readonly tries: number[] = [];
  looks = 0;
  underWay = 0;
  mostUnderWay = 0;
  attempt: () => Promise<void> = () => Promise.resolve();

  constructor() {
    this.renewals = new Renewals({
      clock: this.clock,
      isRefused: () => this.isRefused,
      renew: (isRefused) => this.#renew(isRefused),
      signal: this.stop.signal,
    });
  }

  refuse(): void {
    this.isRefused = true;
    this.renewals.refused();
  }

  async #renew(isRefused: boolean): Promise<void> {
    if (isRefused) this.tries.push(this.clock.monotonicMs());
    else this.looks += 1;
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await this.attempt();
    this.underWay -= 1;
  }
}

Deno.test("Renewals tries at once after a refusal, then in growing pauses, and ends once let in", async () => {
  const setup = new Setup();
  setup.refuse();
  await setup.clock.advance(60_000);
  const pauses = setup.tries.slice(1).map((at, index) => at - setup.tries[index]!);
  assertEquals([setup.tries[0], pauses.slice(0, 5)], [1000, [1000, 2000, 5000, 10_000, 10_000]]);
  setup.isRefused = false;
  await setup.clock.advance(60_000);
  assertEquals(setup.clock.pending, 0, "nothing is waited for without a refusal");
  await setup.clock.advance(60_000);
  setup.refuse();
  const before = setup.tries.length;
  await settled();
  assertEquals(setup.tries.length, before + 1, "a new refusal is answered at once");
  setup.stop.abort();
  await setup.renewals.ended();
});

Deno.test("Renewals has one loop and keeps its pauses, however refusals, renewals and looks follow each other: property", async () => {
  const random = testRandom(19);
  for (let run = 0; run < 30; run++) {
    const setup = new Setup();
    if (random() < 0.5) setup.renewals.watch();
    // An attempt takes a while, lets the agent in or not, and may be followed by a refusal at once.
    setup.attempt = () =>
      new Promise((resolve) =>
        setup.clock.after(integerFrom(random, 0, 3000), () => {
          if (random() < 0.7) setup.isRefused = false;
          resolve();
          if (random() < 0.5) setup.refuse();
        })
      );
    for (let step = 0; step < 60; step++) {
      if (random() < 0.7) setup.refuse();
      if (random() < 0.2) setup.isRefused = false;
      if (random() < 0.1) setup.renewals.watch();
      await setup.clock.advance(integerFrom(random, 0, 4000));
    }
    assertEquals(setup.mostUnderWay, 1);
    setup.tries.forEach((at, index) => {
      const last = setup.tries[index - 1];
      if (last !== undefined) assert(at - last >= 1000, `run ${run}: two attempts within ${at - last} ms`);
    });
    // Four attempts get up to the longest pause.
    const elapsedMs = setup.clock.monotonicMs() - 1000;
    assert(
      setup.tries.length <= 4 + elapsedMs / 10_000 + 1,
      `${setup.tries.length} attempts in ${elapsedMs} ms`,
    );
    setup.stop.abort();
    await setup.clock.advance(3000);
    await setup.renewals.ended();
  }
});
