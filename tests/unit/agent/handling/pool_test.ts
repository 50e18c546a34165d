import { CLOSED_BREAKER } from "../../../support/closed_breaker.ts";
import { assert, assertEquals } from "@std/assert";
import { Events } from "../../../../agent/events.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import type { Outcome } from "../../../../agent/settling/outcome.ts";
import { Pool, type PoolOptions } from "../../../../agent/handling/pool.ts";
import type { Processor } from "../../../../agent/processors/processor.ts";
import { RefusedOutcomes } from "../../../../agent/settling/refused_outcome.ts";
import { AGENT_SETTINGS, NO_SAVER, SILENT, SILENT_LOGS } from "../../../support/agent_setup.ts";
import { safe } from "../../../support/safe_text.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { markingStore } from "../../../support/marking_store.ts";
import { TARGETS } from "../../../support/results.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { integerFrom, testRandom } from "../../../support/random.ts";

/** A pool whose outcomes a test looks at; what is settled leaves the ledger at once. */
class Setup {
  readonly clock = new ManualClock();
  readonly ledger = new Ledger();
  readonly recorder: EventRecorder;
  readonly outcomes = new Map<unknown, Outcome>();
  readonly pool: Pool;

  constructor(process: Processor, options: Partial<PoolOptions> = {}) {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    this.pool = new Pool({
      breaker: CLOSED_BREAKER,
      ...AGENT_SETTINGS,
      saver: NO_SAVER,
      policy: { ...AGENT_SETTINGS, random: () => 0.5 },
      clock: this.clock,
      events,
      ledger: this.ledger,
      leaseMs: 60_000,
      processing: { kind: "single", process },
      store: markingStore(),
      refusedOutcomes: new RefusedOutcomes(),
      logs: SILENT_LOGS,
      targets: TARGETS,
      settler: { settle: (held, outcome) => this.#settle(held, outcome) },
      ...options,
    });
  }

  add(...ids: string[]): void {
    this.pool.add(ids.map((id) => fakeDocument({ id, leasedAtMs: this.clock.monotonicMs() })));
  }

  /** Ids of what runs, and of what waits. */
  held(state: Held["state"]): unknown[] {
    return this.ledger.all().filter((held) => held.state === state).map(({ document }) => document.id);
  }

  #settle(held: Held, outcome: Outcome): void {
    assert(!this.outcomes.has(held.document.id), "settled twice");
    this.outcomes.set(held.document.id, outcome);
    this.ledger.remove(held);
  }
}

/** A processor whose runs a test ends, one by one. */
function manualProcessor() {
  const runs = new Map<unknown, PromiseWithResolvers<unknown>>();
  const started: unknown[] = [];
  const processor: Processor = ({ _id }) => {
    started.push(_id);
    const run = Promise.withResolvers<unknown>();
    runs.set(_id, run);
    return run.promise;
  };
  return { runs, started, processor };
}

Deno.test("Pool acks what its handler resolves, with the fields it sets", async () => {
  const setup = new Setup(({ _id }) => _id === "a" ? { set: { n: 1 } } : "ignored");
  setup.add("a", "b");
  await settled();
  assertEquals(setup.outcomes.get("a"), { kind: "ack", set: { n: 1 }, writes: undefined });
  assertEquals(setup.outcomes.get("b"), { kind: "ack", set: undefined, writes: undefined });
});

Deno.test("Pool hands its processor the document, the attempt, the key, a signal and a log", async () => {
  const seen: unknown[] = [];
  const log = { ...SILENT };
  const setup = new Setup((document, { attempt, idempotencyKey, signal, log }) => {
    seen.push(document, attempt, idempotencyKey, signal.aborted, log);
  }, { logs: { logFor: () => log } });
  setup.pool.add([fakeDocument({ id: "a", attempt: 2, fields: { n: 1 } })]);
  await settled();
  assertEquals(seen.slice(0, 4), [{ _id: "a", status: "processing", n: 1 }, 2, 'test.documents:"a"', false]);
  assert(seen[4] === log);
});

Deno.test("Pool nacks what its handler rejects or throws, synchronously or not", async () => {
  const setup = new Setup(({ _id }) => {
    if (_id === "sync") throw new Error("at once");
    return Promise.reject(new Error("later"));
  });
  setup.add("sync", "async");
  await settled();
  assertEquals(setup.outcomes.get("sync"), { kind: "nack", error: safe("at once"), delayMs: 500 });
  assertEquals(setup.outcomes.get("async"), { kind: "nack", error: safe("later"), delayMs: 500 });
});

Deno.test("Pool nacks a document that cannot be read", async () => {
  const setup = new Setup(() => {});
  const read = () => {
    throw new Error("broken BSON");
  };
  setup.pool.add([fakeDocument({ id: "a", read })]);
  await settled();
  assertEquals(setup.outcomes.get("a"), { kind: "nack", error: safe("broken BSON"), delayMs: 500 });
});

Deno.test("Pool makes a dead letter of a result that the agent's own fields forbid", async () => {
  const setup = new Setup(() => ({ set: { status: "pending" } }));
  setup.add("a");
  await settled();
  assertEquals(setup.outcomes.get("a")?.kind, "dead_letter");
});

Deno.test("Pool never runs more than CONCURRENCY handlers, and always as many as it can", async () => {
  const random = testRandom(9);
  for (let run = 0; run < 20; run++) {
    const concurrency = integerFrom(random, 1, 6);
    const { processor, runs, started } = manualProcessor();
    const setup = new Setup(processor, { concurrency });
    let added = 0;
    for (let step = 0; step < 30; step++) {
      setup.add(...Array.from({ length: integerFrom(random, 0, 3) }, () => `d${added++}`));
      const running = setup.held("running");
      const ended = running[integerFrom(random, 0, running.length)];
      if (ended !== undefined) {
        runs.get(ended)![random() < 0.5 ? "resolve" : "reject"]("done");
        await settled();
      }
      const unfinished = added - setup.outcomes.size;
      assertEquals(setup.held("running").length, Math.min(concurrency, unfinished));
    }
    assertEquals(
      started,
      Array.from({ length: started.length }, (_, n) => `d${n}`),
      "in the order of claims",
    );
  }
});

Deno.test("Pool gives a document with a verdict to no handler, and has its dead letter finished", async () => {
  const { processor, started } = manualProcessor();
  const setup = new Setup(processor);
  setup.pool.add([fakeDocument({ id: "a", verdict: { deadAt: new Date(0) } })]);
  await settled();
  assertEquals(started, []);
  assertEquals(setup.outcomes.get("a"), { kind: "finish_verdict" });
});

Deno.test("Pool releases a document whose lease ran out before its handler could start", async () => {
  const { processor, runs, started } = manualProcessor();
  const setup = new Setup(processor, { concurrency: 1, processTimeoutMs: 1e6 });
  setup.add("first", "late");
  await setup.clock.advance(60_000);
  runs.get("first")!.resolve(undefined);
  await settled();
  assertEquals(started, ["first"]);
  assertEquals(setup.outcomes.get("late"), { kind: "release" });
});

Deno.test("Pool starts a document that waited, if its lease was renewed meanwhile", async () => {
  const { processor, runs, started } = manualProcessor();
  const setup = new Setup(processor, { concurrency: 1, processTimeoutMs: 1e6 });
  setup.add("first", "renewed");
  await setup.clock.advance(60_000);
  for (const { document } of setup.ledger.all()) document.leaseRenewed(setup.clock.monotonicMs());
  runs.get("first")!.resolve(undefined);
  await settled();
  assertEquals(started, ["first", "renewed"]);
  runs.get("renewed")!.resolve(undefined);
  await settled();
});

Deno.test("Pool skips a document that left the ledger while it waited", async () => {
  const { processor, runs, started } = manualProcessor();
  const setup = new Setup(processor, { concurrency: 1 });
  setup.add("first", "lost", "third");
  setup.ledger.remove(setup.ledger.all()[1]!);
  runs.get("first")!.resolve(undefined);
  await settled();
  assertEquals(started, ["first", "third"]);
  assertEquals(setup.outcomes.has("lost"), false);
});

Deno.test("Pool drops a handler's result if its document has left the ledger meanwhile", async () => {
  const { processor, runs, started } = manualProcessor();
  const setup = new Setup(processor, { concurrency: 1 });
  setup.add("lost", "next");
  setup.ledger.remove(setup.ledger.all()[0]!);
  runs.get("lost")!.resolve(undefined);
  await settled();
  assertEquals(setup.outcomes.has("lost"), false);
  assertEquals(started, ["lost", "next"]);
});

Deno.test("Pool.releaseWaiting() releases what has not started and lets the rest run on", async () => {
  const { processor, runs } = manualProcessor();
  const setup = new Setup(processor, { concurrency: 2 });
  setup.add("a", "b", "c", "d");
  setup.pool.releaseWaiting();
  assertEquals(setup.outcomes, new Map([["c", { kind: "release" }], ["d", { kind: "release" }]]));
  for (const id of ["a", "b"]) runs.get(id)!.resolve(undefined);
  await settled();
  assertEquals(setup.outcomes.get("a")?.kind, "ack");
  assertEquals(setup.outcomes.get("b")?.kind, "ack");
});

Deno.test("Pool counts handlers that go on after they were given up, until they end", async () => {
  let end = () => {};
  const setup = new Setup(() => new Promise<void>((resolve) => end = resolve), { processTimeoutMs: 1000 });
  setup.add("a");
  await settled();
  assertEquals(setup.pool.leftBehind, 0);
  await setup.clock.advance(1000);
  assertEquals(setup.outcomes.get("a")?.kind, "nack");
  assertEquals(setup.pool.leftBehind, 1);
  end();
  await settled();
  assertEquals(setup.pool.leftBehind, 0);
});

for (
  const [what, markRunningAlone] of [
    ["is refused", () => Promise.resolve(0)],
    ["gets no answer", () => Promise.reject(new TransientError("gone"))],
  ] as const
) {
  Deno.test(`Pool starts no suspect whose mark ${what}: no agent could tell which document is at fault`, async () => {
    const { processor, started } = manualProcessor();
    const setup = new Setup(processor, { store: markingStore(markRunningAlone) });
    setup.pool.add([{ ...fakeDocument({ id: "suspect" }), suspect: { expiriesAlone: 1 } }]);
    await settled();
    assertEquals(started, []);
    assertEquals(setup.outcomes.get("suspect"), { kind: "release" });
    setup.add("next");
    await settled();
    assertEquals(started, ["next"]);
  });
}

Deno.test("Pool starts a suspect once its mark has been answered, not before", async () => {
  const { processor, runs, started } = manualProcessor();
  const mark = Promise.withResolvers<number>();
  const setup = new Setup(processor, { store: markingStore(() => mark.promise) });
  setup.pool.add([{ ...fakeDocument({ id: "suspect" }), suspect: { expiriesAlone: 0 } }]);
  await settled();
  assertEquals(started, []);
  assertEquals(
    setup.recorder.of("runs_alone").map(({ id }) => id),
    ["suspect"],
    "the log names it before it can do harm",
  );
  mark.resolve(1);
  await settled();
  assertEquals(started, ["suspect"]);
  runs.get("suspect")!.resolve(undefined);
  await settled();
  assertEquals(setup.outcomes.get("suspect")?.kind, "ack");
});

for (
  const [what, act] of [
    ["forced to stop", (pool: Pool) => pool.force()],
    ["paused", (pool: Pool) => pool.releaseWaiting()],
    ["told to drain", (pool: Pool) => pool.close()],
  ] as const
) {
  Deno.test(`Pool starts no suspect if the agent was ${what} while its mark was written`, async () => {
    const { processor, started } = manualProcessor();
    const mark = Promise.withResolvers<number>();
    const setup = new Setup(processor, { store: markingStore(() => mark.promise) });
    setup.pool.add([{ ...fakeDocument({ id: "suspect" }), suspect: { expiriesAlone: 0 } }]);
    await settled();
    act(setup.pool);
    mark.resolve(1);
    await settled();
    assertEquals(started, []);
    assertEquals(setup.outcomes.get("suspect"), { kind: "release" });
  });
}
