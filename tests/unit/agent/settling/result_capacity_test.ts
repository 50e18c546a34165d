import { CLOSED_BREAKER } from "../../../support/closed_breaker.ts";
import { assert, assertEquals } from "@std/assert";
import { Events } from "../../../../agent/events.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import { Pool, type PoolOptions } from "../../../../agent/handling/pool.ts";
import {
  MAX_HELD_RESULT_BYTES,
  MAX_RESULT_BYTES,
  ResultCapacity,
} from "../../../../agent/settling/result_capacity.ts";
import { RefusedOutcomes } from "../../../../agent/settling/refused_outcome.ts";
import { AGENT_SETTINGS, NO_SAVER, SILENT_LOGS } from "../../../support/agent_setup.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { markingStore } from "../../../support/marking_store.ts";
import { TARGETS } from "../../../support/results.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { integerFrom, testRandom } from "../../../support/random.ts";

const MIB = 1024 * 1024;

/** A pool whose results stay until a test says that they are written. */
class Setup {
  readonly ledger = new Ledger();
  readonly unwritten: Held[] = [];
  readonly runs: number[] = [];
  /** Documents that were released. */
  readonly released: Held[] = [];
  readonly pool: Pool;

  constructor(options: Partial<PoolOptions>) {
    this.pool = new Pool({
      breaker: CLOSED_BREAKER,
      ...AGENT_SETTINGS,
      saver: NO_SAVER,
      batchSize: 100,
      clock: new ManualClock(),
      events: new Events(),
      ledger: this.ledger,
      leaseMs: 60_000,
      processing: { kind: "single", process: () => {} },
      policy: { ...AGENT_SETTINGS, random: () => 0.5 },
      store: markingStore(),
      refusedOutcomes: new RefusedOutcomes(),
      logs: SILENT_LOGS,
      targets: TARGETS,
      settler: {
        settle: (held, outcome) => {
          this.ledger.settling(held);
          if (outcome.kind === "release") this.released.push(held);
          else this.unwritten.push(held);
        },
      },
      ...options,
    });
  }

  async add(count: number): Promise<void> {
    this.pool.add(Array.from({ length: count }, () => fakeDocument()));
    await settled();
  }

  /** Writes what came first. */
  async write(): Promise<void> {
    this.ledger.remove(this.unwritten.shift()!);
    await settled();
  }
}

/** One text of 15 MiB for all results: its size counts, and making it takes longer than the rest. */
const LETTERS = "x".repeat(15 * MIB);
const text = (mib: number) => LETTERS.slice(0, mib * MIB);

Deno.test("Pool starts no handler while the results that wait to be written are as many as may wait", async () => {
  for (const concurrency of [1, 4]) {
    const setup = new Setup({
      concurrency,
      processing: { kind: "single", process: () => ({ set: { text: text(4) } }) },
    });
    await setup.add(20);
    let most = 0;
    let settledInAll = 0;
    while (setup.unwritten.length > 0) {
      most = Math.max(most, setup.ledger.counts.resultBytes);
      settledInAll += 1;
      await setup.write();
    }
    assertEquals(settledInAll, 20);
    // Until the first has returned nothing is known: as many may run as CONCURRENCY says.
    const bound = Math.max(MAX_RESULT_BYTES, concurrency * 4 * MIB) + 4 * MIB;
    assert(most > MAX_RESULT_BYTES / 2 && most <= bound, `${most} bytes with ${concurrency}`);
    assertEquals(setup.ledger.counts, {
      documents: 0,
      bytes: 0,
      resultBytes: 0,
      waiting: 0,
      running: 0,
      doubted: 0,
      doubtedBytes: 0,
      doubtedResultBytes: 0,
    });
  }
});

Deno.test("Pool runs documents one after the other if a result is larger than what may wait", async () => {
  const setup = new Setup({
    concurrency: 1,
    processing: { kind: "single", process: () => ({ set: { text: text(15) } }) },
  });
  await setup.add(5);
  for (let left = 5; left > 0; left--) {
    assertEquals(setup.unwritten.length, 1);
    await setup.write();
  }
  assertEquals(setup.ledger.counts.documents, 0);
});

Deno.test("Pool releases documents whose first results are more than can be held, before a size is known", async () => {
  const setup = new Setup({
    concurrency: 100,
    processing: { kind: "single", process: () => ({ set: { text: text(15) } }) },
  });
  await setup.add(20);
  const { resultBytes } = setup.ledger.counts;
  assert(resultBytes <= MAX_HELD_RESULT_BYTES, `${resultBytes} bytes are held`);
  assertEquals([setup.unwritten.length, setup.released.length], [6, 14]);
  // From now on their size is known: they run one after the other, and none is released.
  for (const held of setup.released.splice(0)) setup.ledger.remove(held);
  await setup.add(14);
  while (setup.unwritten.length > 0) await setup.write();
  assertEquals(setup.released.length, 0);
  assertEquals(setup.ledger.counts.documents, 0);
});

Deno.test("Pool gives a batch processor as many documents as the room for their results allows", async () => {
  const sizes: number[] = [];
  const setup = new Setup({
    batchSize: 10,
    concurrency: 1,
    processing: {
      kind: "batch",
      processBatch: (documents) => {
        sizes.push(documents.length);
        return documents.map(() => ({ set: { text: text(2) } }));
      },
    },
  });
  await setup.add(30);
  while (setup.unwritten.length > 0) await setup.write();
  assertEquals(sizes.reduce((sum, size) => sum + size), 30);
  assertEquals(sizes[0], 10);
  assert(sizes.slice(1).every((size) => size <= 8), sizes.join());
});

Deno.test("Pool goes on when a document whose result waits has lost its lease", async () => {
  const setup = new Setup({
    concurrency: 1,
    processing: { kind: "single", process: () => ({ set: { text: text(15) } }) },
  });
  await setup.add(2);
  assertEquals(setup.unwritten.length, 1);
  setup.ledger.remove(setup.unwritten[0]!);
  await settled();
  assertEquals(setup.unwritten.length, 2);
});

Deno.test("ResultCapacity holds nothing back if results are small", () => {
  const ledger = new Ledger();
  const room = new ResultCapacity(ledger);
  for (let document = 0; document < 200; document++) {
    assertEquals(room.fits(100), 100);
    const held = ledger.add(fakeDocument());
    ledger.start(held);
    room.learn(100);
    ledger.weigh(held, 100);
  }
});

Deno.test("ResultCapacity forgets a heavy result after lighter ones", () => {
  const room = new ResultCapacity(new Ledger());
  room.learn(16 * MIB);
  assertEquals(room.fits(100), 1);
  for (let light = 0; light < 200; light++) room.learn(0);
  assertEquals(room.fits(100), 100);
});

Deno.test("ResultCapacity lets others start while results in doubt fill the room, up to what can be held", () => {
  const ledger = new Ledger();
  const room = new ResultCapacity(ledger);
  const add = () => {
    const held = ledger.add(fakeDocument());
    ledger.weigh(held, 10 * MIB);
    return held;
  };
  room.learn(10 * MIB);
  add();
  const doubted = add();
  assertEquals(room.fits(100), 0);
  ledger.doubt(doubted);
  // The other one waits to be written.
  assertEquals(room.fits(100), 0);
  for (const held of ledger.all()) ledger.doubt(held);
  assertEquals(room.fits(100), 1);
  while (ledger.counts.resultBytes <= MAX_HELD_RESULT_BYTES - 10 * MIB) ledger.doubt(add());
  assertEquals(room.fits(100), 0);
  ledger.undoubt(doubted);
  assertEquals(room.fits(100), 0);
  ledger.remove(doubted);
  assertEquals(room.fits(100), 1);
});

Deno.test("Pool goes on when the outcome of a document whose result waits is in doubt", async () => {
  const setup = new Setup({
    concurrency: 1,
    processing: { kind: "single", process: () => ({ set: { text: text(15) } }) },
  });
  await setup.add(2);
  assertEquals(setup.unwritten.length, 1);
  setup.ledger.doubt(setup.unwritten[0]!);
  await settled();
  assertEquals(setup.unwritten.length, 2);
});

Deno.test("ResultCapacity lets something start whenever nothing runs and nothing waits: property", () => {
  const random = testRandom(5);
  for (let run = 0; run < 200; run++) {
    const ledger = new Ledger();
    const room = new ResultCapacity(ledger);
    const held: Held[] = [];
    for (let step = 0; step < 50; step++) {
      const wanted = integerFrom(random, 1, 100);
      const count = room.fits(wanted);
      assert(count >= 0 && count <= wanted);
      if (ledger.counts.running === 0 && ledger.counts.resultBytes === 0) assert(count >= 1);
      for (let index = 0; index < count; index++) {
        const each = ledger.add(fakeDocument());
        ledger.start(each);
        held.push(each);
      }
      for (const each of held.splice(0, integerFrom(random, 0, held.length))) {
        const bytes = integerFrom(random, 0, 16 * MIB);
        room.learn(bytes);
        ledger.weigh(each, bytes);
        ledger.remove(each);
      }
    }
  }
});
