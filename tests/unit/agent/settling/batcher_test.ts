import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import {
  type Batched,
  Batcher,
  type BatcherOptions,
  type BatchWriter,
} from "../../../../agent/settling/batcher.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { integerFrom, testRandom } from "../../../support/random.ts";

class Transient extends Error {}

/** A batcher of numbers whose writes a test decides on: by default they succeed at once. */
class Setup implements BatchWriter<number> {
  readonly clock = new ManualClock();
  readonly writes: { items: number[]; uncertain: boolean[] }[] = [];
  readonly retries: number[] = [];
  /** Items of which a failed write is known to have left nothing. */
  readonly unmade = new Set<number>();
  readonly refused: { item: number; error: unknown }[] = [];
  running = 0;
  peak = 0;
  answer: (items: number[], write: number) => Promise<void> | void = () => {};
  readonly batcher: Batcher<number>;

  constructor(options: Partial<BatcherOptions<number>> = {}) {
    this.batcher = new Batcher<number>({
      clock: this.clock,
      random: () => 0.5,
      writer: this,
      maxItems: 10,
      maxBytes: Infinity,
      lingerMs: 5,
      maxWrites: 2,
      ...options,
    });
  }

  mayBeApplied(item: number): boolean {
    return !this.unmade.has(item);
  }

  get written(): number[][] {
    return this.writes.map(({ items }) => items);
  }

  add(...items: number[]): void {
    for (const item of items) this.batcher.add(item);
  }

  failed(_batch: unknown, _error: unknown, retryInMs: number): void {
    this.retries.push(retryInMs);
  }

  rejected(item: number, error: unknown): void {
    this.refused.push({ item, error });
  }

  isTransient(error: unknown): boolean {
    return error instanceof Transient;
  }

  bytesOf(item: number): number {
    return item;
  }

  async write(batch: readonly Batched<number>[]): Promise<void> {
    const items = batch.map(({ item }) => item);
    this.peak = Math.max(this.peak, ++this.running);
    this.writes.push({ items, uncertain: batch.map(({ uncertain }) => uncertain) });
    try {
      await this.answer(items, this.writes.length);
    } finally {
      this.running -= 1;
    }
  }
}

Deno.test("Batcher waits lingerMs for other items, then writes all together and in order", async () => {
  const setup = new Setup();
  setup.add(1);
  await setup.clock.advance(3);
  setup.add(2);
  await setup.clock.advance(1);
  assertEquals(setup.written, []);
  await setup.clock.advance(1);
  assertEquals(setup.written, [[1, 2]]);
});

Deno.test("Batcher writes at once what fills a batch, and the rest after lingerMs", async () => {
  const setup = new Setup({ maxItems: 3 });
  const first = Promise.withResolvers<void>();
  setup.answer = (_, write) => write === 1 ? first.promise : undefined;
  setup.add(1, 2, 3, 4);
  await settled();
  assertEquals(setup.written, [[1, 2, 3]]);
  await setup.clock.advance(5);
  assertEquals(setup.written, [[1, 2, 3], [4]]);
  first.resolve();
  await settled();
});

Deno.test("Batcher writes no more bytes at once than maxBytes, and what is larger alone", async () => {
  const setup = new Setup({ maxBytes: 10, maxItems: 4, maxWrites: 1 });
  setup.add(5, 5, 1, 25);
  setup.add(3, 3, 3, 0, 1, 9, 2);
  setup.batcher.flush();
  await settled();
  assertEquals(setup.written, [[5, 5], [1], [25], [3, 3, 3, 0], [1, 9], [2]]);
});

Deno.test("Batcher.flush() writes at once and leaves no timer behind", async () => {
  const setup = new Setup();
  setup.add(1);
  setup.batcher.flush();
  await settled();
  assertEquals(setup.written, [[1]]);
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Batcher never has more than maxWrites writes under way nor more than maxItems in one", async () => {
  const random = testRandom(2);
  for (let run = 0; run < 30; run++) {
    const maxWrites = integerFrom(random, 1, 4);
    const maxItems = integerFrom(random, 1, 7);
    const setup = new Setup({ maxItems, maxWrites });
    const open: (() => void)[] = [];
    setup.answer = () => new Promise((resolve) => open.push(resolve));
    let next = 0;
    for (let step = 0; step < 40; step++) {
      setup.add(...Array.from({ length: integerFrom(random, 0, 5) }, () => next++));
      if (random() < 0.3) setup.batcher.flush();
      if (random() < 0.5) open.shift()?.();
      await setup.clock.advance(integerFrom(random, 0, 4));
    }
    while (setup.written.flat().length < next || open.length > 0) {
      for (const end of open.splice(0)) end();
      await setup.clock.advance(5);
    }
    assertLessOrEqual(setup.peak, maxWrites);
    assert(setup.writes.every(({ items }) => items.length <= maxItems && items.length > 0));
    assertEquals(
      setup.written.flat(),
      Array.from({ length: next }, (_, item) => item),
      "each once, in order",
    );
  }
});

Deno.test("Batcher writes the items that came meanwhile as soon as a write is over", async () => {
  const setup = new Setup({ maxWrites: 1 });
  const first = Promise.withResolvers<void>();
  setup.answer = (_, write) => write === 1 ? first.promise : undefined;
  setup.add(1);
  setup.batcher.flush();
  setup.add(2, 3);
  await setup.clock.advance(1000);
  assertEquals(setup.written, [[1]]);
  first.resolve();
  await settled();
  assertEquals(setup.written, [[1], [2, 3]]);
});

Deno.test("Batcher repeats a write after a transient failure and marks its items as uncertain", async () => {
  const setup = new Setup();
  setup.answer = (_, write) => {
    if (write <= 2) throw new Transient();
  };
  setup.add(1, 2);
  await setup.clock.advance(10_000);
  assertEquals(setup.writes, [
    { items: [1, 2], uncertain: [false, false] },
    { items: [1, 2], uncertain: [true, true] },
    { items: [1, 2], uncertain: [true, true] },
  ]);
  assertEquals(setup.retries.length, 2);
  assertEquals(setup.refused, []);
});

Deno.test("Batcher does not mark items as uncertain of which a failed write has left nothing", async () => {
  const setup = new Setup();
  setup.unmade.add(2);
  setup.answer = (_, write) => {
    if (write <= 1) throw new Transient();
  };
  setup.add(1, 2);
  await setup.clock.advance(10_000);
  assertEquals(setup.writes.at(-1), { items: [1, 2], uncertain: [true, false] });
});

Deno.test("Batcher waits between repeats, never less than 50 ms and never more than 3050 ms", async () => {
  const setup = new Setup();
  setup.answer = () => {
    throw new Transient();
  };
  setup.add(1);
  await setup.clock.advance(5);
  for (let repeat = 0; repeat < 50; repeat++) {
    const waitMs = setup.clock.nextInMs!;
    assertGreaterOrEqual(waitMs, 50);
    assertLessOrEqual(waitMs, 50 + Math.min(3000, 200 * 2 ** repeat));
    assertEquals(setup.retries.at(-1), waitMs);
    await setup.clock.advance(waitMs);
    assertEquals(setup.writes.length, repeat + 2);
  }
  setup.batcher.stop();
  await settled();
});

for (const bad of [0, 1, 5, 8]) {
  Deno.test(`Batcher isolates item ${bad} of a refused batch and writes its neighbours`, async () => {
    const setup = new Setup();
    const done: number[] = [];
    setup.answer = (items) => {
      if (items.includes(bad)) throw new Error("refused");
      done.push(...items);
    };
    setup.add(0, 1, 2, 3, 4, 5, 6, 7, 8);
    await setup.clock.advance(5);
    assertEquals(setup.refused.map(({ item }) => item), [bad]);
    assertEquals(String(setup.refused[0]!.error), "Error: refused");
    assertEquals(done, [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((item) => item !== bad));
    assert(setup.writes.slice(1).every(({ uncertain }) => uncertain.every(Boolean)), "parts may be written");
  });
}

Deno.test("Batcher rejects every item if all are refused", async () => {
  const setup = new Setup();
  setup.answer = () => {
    throw new Error("refused");
  };
  setup.add(1, 2, 3, 4, 5);
  await setup.clock.advance(5);
  assertEquals(setup.refused.map(({ item }) => item), [1, 2, 3, 4, 5]);
});

Deno.test("Batcher goes on with new items after a batch was refused", async () => {
  const setup = new Setup({ maxWrites: 1 });
  setup.answer = (items) => {
    if (items.includes(1)) throw new Error("refused");
  };
  setup.add(1);
  await setup.clock.advance(5);
  setup.add(2);
  await setup.clock.advance(5);
  assertEquals(setup.written, [[1], [2]]);
});

Deno.test("Batcher.stop() drops what waits and cancels the timer", async () => {
  const setup = new Setup();
  setup.add(1, 2);
  setup.batcher.stop();
  assertEquals(setup.clock.pending, 0);
  setup.batcher.flush();
  await setup.clock.advance(100);
  assertEquals(setup.written, []);
});

Deno.test("Batcher.stop() ends the repeats, and items that are added later are not written", async () => {
  const setup = new Setup();
  setup.answer = () => {
    throw new Transient();
  };
  setup.add(1);
  await setup.clock.advance(5);
  assertEquals(setup.writes.length, 1);
  setup.batcher.stop();
  setup.add(2);
  await setup.clock.advance(60_000);
  assertEquals(setup.written, [[1]]);
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Batcher.stop() lets a write under way end, and announces no repeat of it", async () => {
  const setup = new Setup();
  const write = Promise.withResolvers<void>();
  setup.answer = () => write.promise;
  setup.add(1);
  await setup.clock.advance(5);
  setup.batcher.stop();
  write.reject(new Transient());
  await setup.clock.advance(60_000);
  assertEquals([setup.written, setup.retries, setup.clock.pending], [[[1]], [], 0]);
});
