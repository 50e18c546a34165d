import { assertEquals } from "@std/assert";
import { Breaker, type BreakerRun } from "../../../../agent/breaker/breaker.ts";
import { LeaseLostError, PermanentError } from "../../../../agent/errors.ts";
import { Events } from "../../../../agent/events.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import type { HandlerResult } from "../../../../agent/settling/outcome.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

const OK: HandlerResult = { ok: true };
const DOWN: HandlerResult = { ok: false, error: new Error("connection refused") };
const REJECTED: HandlerResult = { ok: false, error: new PermanentError("no such order") };
const PUT_OFF: HandlerResult = { ok: true, snoozeMs: 1000 };
const LOST: HandlerResult = { ok: false, error: new LeaseLostError("canceled") };
const NOT_STARTED: HandlerResult = { ok: false, hasStarted: false, error: new Error("not marked") };

let documents = 0;

class Setup {
  readonly clock = new ManualClock();
  readonly recorder: EventRecorder;
  readonly breaker: Breaker;
  readonly #ledger = new Ledger();

  constructor({ threshold = 4, cooldownMs = 10_000 } = {}) {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    this.breaker = new Breaker({ clock: this.clock, events, threshold, cooldownMs, maxAttempts: 3 });
  }

  held(id = `d${++documents}`, attempt = 1): Held {
    return this.#ledger.add(fakeDocument({ id, attempt, idempotencyKey: id }));
  }

  /** A run of one document, from its start to its end; returns whether its failure costs no attempt. */
  run(result: HandlerResult, held = this.held()): boolean {
    return this.breaker.ended(this.breaker.started(), [held], [result]);
  }

  runAll(...results: HandlerResult[]): void {
    for (const result of results) this.run(result);
  }

  /** Runs that end later. */
  start(count: number): BreakerRun[] {
    return Array.from({ length: count }, () => this.breaker.started());
  }

  get state(): string {
    const { letsPass, wantsTrial } = this.breaker;
    return letsPass ? wantsTrial ? "half open" : "closed" : "open";
  }

  /** It has opened: the row of failures, and the trials after it. */
  open(): void {
    for (let each = 0; each < 4 + 3; each++) this.run(DOWN);
    assertEquals(this.state, "open");
  }
}

Deno.test("Breaker tries three documents after a row of failures, one at a time, and opens if they fail as well", () => {
  const it = new Setup();
  it.runAll(DOWN, DOWN, DOWN);
  assertEquals(it.state, "closed");
  it.run(DOWN);
  for (let trial = 0; trial < 3; trial++) {
    assertEquals([it.state, it.recorder.of("breaker_opened")], ["half open", []]);
    const run = it.breaker.started();
    assertEquals(it.state, "open", "one at a time");
    assertEquals(it.breaker.ended(run, [it.held()], [DOWN]), false);
  }
  assertEquals(it.state, "open");
  const { error, retryInMs, isAgain } = it.recorder.of("breaker_opened")[0]!;
  assertEquals([String(error), retryInMs, isAgain], ["Error: connection refused", 10_000, false]);
});

Deno.test("Breaker never opens if one of the three documents succeeds: those of the row were bad", () => {
  const it = new Setup();
  it.runAll(DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, OK);
  assertEquals([it.state, it.recorder.all], ["closed", []]);
});

for (
  const [what, results] of [
    ["a success in between", [DOWN, DOWN, DOWN, OK, DOWN, DOWN, DOWN]],
    ["dead letters, which no retry mends", [REJECTED, REJECTED, REJECTED, REJECTED, REJECTED]],
    ["documents that are put off", [PUT_OFF, PUT_OFF, PUT_OFF, PUT_OFF, PUT_OFF]],
    ["lost leases and cancellations", [LOST, LOST, LOST, LOST, LOST]],
    ["documents that have not started", [NOT_STARTED, NOT_STARTED, NOT_STARTED, NOT_STARTED]],
  ] as const
) {
  Deno.test(`Breaker stays closed: ${what}`, () => {
    const it = new Setup();
    it.runAll(...results);
    assertEquals(it.state, "closed");
  });
}

Deno.test("Breaker counts failures with dead letters and snoozes in between, which tell nothing", () => {
  const it = new Setup();
  it.runAll(DOWN, REJECTED, DOWN, PUT_OFF, DOWN, LOST, DOWN);
  assertEquals(it.state, "half open");
});

Deno.test("Breaker counts different documents: one that fails again and again does not open it", () => {
  const it = new Setup();
  const held = it.held("the same");
  for (let run = 0; run < 50; run++) it.run(DOWN, held);
  it.runAll(DOWN, DOWN);
  assertEquals(it.state, "closed");
});

Deno.test("Breaker counts first attempts: at the end, only bad documents may be left", () => {
  const it = new Setup();
  for (let run = 0; run < 50; run++) assertEquals(it.run(DOWN, it.held(undefined, 2)), false);
  it.runAll(DOWN, DOWN, DOWN);
  it.run(DOWN, it.held(undefined, 3));
  assertEquals(it.state, "closed");
  it.run(DOWN);
  assertEquals(it.state, "half open");
});

Deno.test("Breaker with BREAKER_THRESHOLD=0 stays closed", () => {
  const it = new Setup({ threshold: 0 });
  for (let run = 0; run < 100; run++) assertEquals(it.run(DOWN), false);
  assertEquals(it.state, "closed");
});

Deno.test("Breaker waits twice as long each time, up to thirty times as long", async () => {
  const it = new Setup();
  it.open();
  const waits: number[] = [];
  for (let each = 0; each < 7; each++) {
    const { retryInMs } = it.recorder.of("breaker_opened").at(-1)!;
    waits.push(retryInMs);
    await it.clock.advance(retryInMs - 1);
    assertEquals(it.state, "open");
    await it.clock.advance(1);
    assertEquals(it.state, "half open");
    it.runAll(DOWN, DOWN, DOWN);
  }
  assertEquals(waits, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  assertEquals(
    it.recorder.of("breaker_opened").map(({ isLasting }) => isLasting),
    [false, false, false, false, false, true, true, true],
  );
  await it.clock.advance(300_000);
  it.run(OK);
  const { openForMs } = it.recorder.of("breaker_closed")[0]!;
  assertEquals([it.state, openForMs], ["closed", 1_210_000]);
  it.open();
  assertEquals(it.recorder.of("breaker_opened").at(-1)!.retryInMs, 10_000, "it begins anew");
});

Deno.test("Breaker with a cooldown of ten minutes waits no longer than that", async () => {
  const it = new Setup({ cooldownMs: 600_000 });
  it.open();
  await it.clock.advance(600_000);
  it.runAll(DOWN, DOWN, DOWN);
  assertEquals(it.recorder.of("breaker_opened").map(({ retryInMs }) => retryInMs), [600_000, 600_000]);
});

Deno.test("Breaker spares what still ran when the row was complete, and learns nothing from it", () => {
  const it = new Setup();
  const running = it.start(30);
  it.runAll(DOWN, DOWN, DOWN, DOWN);
  for (const run of running.slice(0, 10)) assertEquals(it.breaker.ended(run, [it.held()], [DOWN]), true);
  assertEquals(it.state, "half open");
  // It may have got its answer before the outage.
  it.breaker.ended(running[10]!, [it.held()], [OK]);
  assertEquals(it.state, "half open");
  const trial = it.breaker.started();
  it.breaker.ended(running[11]!, [it.held()], [OK]);
  assertEquals(it.state, "open", "the trial still runs");
  it.breaker.ended(trial, [it.held()], [OK]);
  assertEquals(it.state, "closed");
  for (const run of running.slice(12)) assertEquals(it.breaker.ended(run, [it.held()], [DOWN]), true);
  assertEquals(it.state, "closed");
});

for (const [what, result] of [["is canceled", LOST], ["does not start", NOT_STARTED]] as const) {
  Deno.test(`Breaker tries another document if the one that it tries ${what}, however often`, () => {
    const it = new Setup();
    it.runAll(DOWN, DOWN, DOWN, DOWN);
    for (let each = 0; each < 20; each++) {
      it.run(result);
      assertEquals(it.state, "half open");
    }
    it.runAll(DOWN, DOWN, DOWN);
    assertEquals(it.state, "open");
  });
}

Deno.test("Breaker closes after as many dead letters and snoozes in a row as make a row of failures", () => {
  const it = new Setup();
  it.runAll(DOWN, DOWN, DOWN, DOWN, REJECTED, PUT_OFF, REJECTED);
  assertEquals(it.state, "half open");
  it.run(DOWN);
  it.runAll(REJECTED, REJECTED, PUT_OFF);
  assertEquals(it.state, "half open", "they are counted anew");
  it.run(REJECTED);
  assertEquals(it.state, "closed");
});

Deno.test("Breaker takes no document's last attempt for a trial that fails", () => {
  const it = new Setup();
  assertEquals(it.run(DOWN, it.held("a")), false);
  it.runAll(DOWN, DOWN, DOWN);
  assertEquals(it.run(DOWN, it.held("b", 2)), false);
  assertEquals(it.run(DOWN, it.held("c", 3)), true);
});

Deno.test("Breaker takes a batch that fails for one of five failures at most: one bad document can fail it", () => {
  const it = new Setup({ threshold: 20 });
  const batch = () => Array.from({ length: 100 }, () => it.held());
  for (let run = 1; run <= 5; run++) {
    assertEquals(it.state, "closed");
    it.breaker.ended(it.breaker.started(), batch(), Array.from({ length: 100 }, () => DOWN));
  }
  assertEquals(it.state, "half open");
});

Deno.test("Breaker takes a batch of which one document succeeds for a success", () => {
  const it = new Setup();
  it.runAll(DOWN, DOWN, DOWN);
  it.breaker.ended(it.breaker.started(), [it.held(), it.held()], [DOWN, OK]);
  it.runAll(DOWN, DOWN, DOWN);
  assertEquals(it.state, "closed");
});

Deno.test("Breaker takes a trial that runs for far longer than the failures did for a success: handlers may take hours", async () => {
  const it = new Setup();
  it.runAll(DOWN, DOWN, DOWN, DOWN);
  const trial = it.breaker.started();
  await it.clock.advance(9_999);
  assertEquals(it.state, "open");
  await it.clock.advance(1);
  assertEquals([it.state, it.recorder.all, it.clock.pending], ["closed", [], 0]);
  // It is a run as any other from then on.
  it.runAll(DOWN, DOWN, DOWN);
  assertEquals(it.breaker.ended(trial, [it.held()], [DOWN]), false);
  assertEquals(it.state, "half open");
});

Deno.test("Breaker waits for a trial twice as long as the longest failure took: a service that hangs is down", async () => {
  const it = new Setup();
  const row = it.start(4);
  await it.clock.advance(60_000);
  for (const run of row) it.breaker.ended(run, [it.held()], [DOWN]);
  for (let each = 0; each < 3; each++) {
    const trial = it.breaker.started();
    await it.clock.advance(60_000);
    assertEquals(it.state, "open");
    it.breaker.ended(trial, [it.held()], [DOWN]);
  }
  assertEquals([it.state, it.recorder.of("breaker_opened").length], ["open", 1]);
  await it.clock.advance(10_000);
  it.breaker.started();
  await it.clock.advance(120_000);
  assertEquals([it.state, it.recorder.of("breaker_closed").length], ["closed", 1]);
});

Deno.test("Breaker learns nothing from a trial of an earlier row that ends late", async () => {
  const it = new Setup();
  it.runAll(DOWN, DOWN, DOWN, DOWN);
  const late = it.breaker.started();
  await it.clock.advance(10_000);
  it.runAll(DOWN, DOWN, DOWN, DOWN);
  it.breaker.started();
  it.breaker.ended(late, [it.held()], [OK]);
  assertEquals(it.state, "open", "the trial of this row still runs");
});

Deno.test("Breaker leaves no timer when the agent drains, and does not open any more", () => {
  const it = new Setup();
  it.open();
  it.breaker.stop();
  assertEquals([it.clock.pending, it.state], [0, "open"]);
  const trying = new Setup();
  trying.runAll(DOWN, DOWN, DOWN, DOWN);
  trying.breaker.started();
  trying.breaker.stop();
  assertEquals([trying.clock.pending, trying.state], [0, "open"]);
  const other = new Setup();
  other.breaker.stop();
  for (let run = 0; run < 10; run++) other.run(DOWN);
  assertEquals([other.clock.pending, other.state], [0, "closed"]);
});
