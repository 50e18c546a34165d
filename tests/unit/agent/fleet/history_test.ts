import { assertEquals } from "@std/assert";
import { Details } from "../../../../agent/details.ts";
import { Events } from "../../../../agent/events.ts";
import { History } from "../../../../agent/fleet/history.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

/** Half a step after the turn of a step. */
const START_MS = Date.UTC(2026, 0, 1) + 5000;

class Setup {
  readonly clock = new ManualClock();
  readonly details = new Details();
  readonly events = new Events();
  readonly history: History;
  #aheadMs: number | undefined = START_MS;

  constructor({ isKnown = true } = {}) {
    if (!isKnown) this.#aheadMs = undefined;
    this.history = new History({ ...this, serverTime: () => this.#serverTime() });
  }

  /** The server's clock is known, or is set. */
  set(ms: number): void {
    this.#aheadMs = ms - this.clock.monotonicMs();
  }

  processed(documents: number): void {
    this.events.emit({ type: "processed", documents });
  }

  get until(): string | undefined {
    return this.history.ended?.until.toISOString();
  }

  #serverTime(): Date | undefined {
    return this.#aheadMs === undefined ? undefined : new Date(this.#aheadMs + this.clock.monotonicMs());
  }
}

Deno.test("History has what happened in each step of ten seconds, by the server's clock", async () => {
  const setup = new Setup();
  setup.processed(3);
  assertEquals(setup.history.ended?.processed, []);
  await setup.clock.advance(5000);
  setup.events.emit({ type: "retried", id: 1, attempt: 1, error: "e" as never, delayMs: 1 });
  setup.events.emit({ type: "retried_among", documents: 2, ids: [1, 2, 3] });
  setup.events.emit({ type: "dead_lettered", id: 1, attempt: 1, error: "e" as never });
  for (const ms of [20.4, 700.6, 3]) setup.details.pickedUp(ms);
  await setup.clock.advance(30_000);
  setup.processed(1);
  assertEquals(setup.history.ended, {
    until: new Date("2026-01-01T00:00:40Z"),
    processed: [3, 0, 0, 0],
    retried: [0, 3, 0, 0],
    deadLettered: [0, 1, 0, 0],
    pickUpMs: [0, 701, 0, 0],
  });
});

Deno.test("History keeps ten minutes, also after a long silence", async () => {
  const setup = new Setup();
  for (let step = 1; step <= 70; step++) {
    setup.processed(step);
    await setup.clock.advance(10_000);
  }
  const { processed } = setup.history.ended!;
  assertEquals([processed.length, processed[0], processed.at(-1)], [60, 11, 70]);
  await setup.clock.advance(86_400_000);
  // Of an agent that is idle, the last minute.
  assertEquals(setup.history.ended!.processed, Array(6).fill(0));
  assertEquals(setup.until, "2026-01-02T00:11:40.000Z");
});

Deno.test("History begins once the server's time is known, with what has happened until then", async () => {
  const setup = new Setup({ isKnown: false });
  setup.processed(2);
  await setup.clock.advance(60_000);
  assertEquals(setup.history.ended, undefined);
  setup.set(START_MS);
  assertEquals(setup.until, "2026-01-01T00:00:00.000Z");
  await setup.clock.advance(5000);
  assertEquals(setup.history.ended?.processed, [2]);
});

Deno.test("History goes on by the server's clock when that is set, forwards or backwards", async () => {
  const setup = new Setup();
  setup.processed(1);
  setup.set(START_MS + 30_000);
  await setup.clock.advance(5000);
  assertEquals([setup.until, setup.history.ended?.processed], ["2026-01-01T00:00:40.000Z", [
    1,
    0,
    0,
    0,
  ]]);
  setup.set(START_MS);
  await setup.clock.advance(10_000);
  assertEquals([setup.until, setup.history.ended?.processed.length], ["2026-01-01T00:00:10.000Z", 5]);
});
