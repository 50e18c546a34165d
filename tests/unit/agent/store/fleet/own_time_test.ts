import { assertEquals } from "@std/assert";
import { ServerClock } from "../../../../../agent/store/connection/server_clock.ts";
import { OwnTime } from "../../../../../agent/store/fleet/own_time.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";

const SERVER_MS = Date.parse("2026-01-01T12:00:00Z");

/** A moment on a machine whose clock of the day is so much ahead of the server's. */
class Setup {
  readonly clock = new ManualClock();
  readonly serverClock = new ServerClock(this.clock);
  readonly #beganMs = this.clock.monotonicMs();
  aheadMs: number;
  readonly time: OwnTime;
  readonly moment: Date;

  constructor(aheadMs: number) {
    this.aheadMs = aheadMs;
    this.time = new OwnTime({ ...this, timeOfDayMs: () => this.#serverMs + this.aheadMs });
    this.moment = new Date(SERVER_MS + aheadMs);
  }

  get #serverMs(): number {
    return SERVER_MS + this.clock.monotonicMs() - this.#beganMs;
  }

  /** The server tells its time, and the answer takes so long. */
  observe(lateMs = 0): void {
    this.serverClock.observe(new Date(this.#serverMs - lateMs), "a:1");
  }

  /** The moment, in milliseconds after it was by the server's clock. */
  get offMs(): number {
    return this.time.at(this.moment).getTime() - SERVER_MS;
  }
}

Deno.test("OwnTime: a moment before anything is known of the server's clock is told by it later, though the clock of the day was set meanwhile", async () => {
  const s = new Setup(3_600_000);
  assertEquals(s.offMs, 3_600_000);
  s.aheadMs = 0;
  await s.clock.advance(5000);
  s.observe();
  assertEquals(s.offMs, 0);
});

Deno.test("OwnTime: clocks that differ by less than a second count as the same, and what is told moves by no less", async () => {
  const s = new Setup(700);
  s.observe();
  assertEquals(s.offMs, 700);
  const other = new Setup(1300);
  other.observe(900);
  assertEquals(other.offMs, -900);
  await other.clock.advance(1000);
  // Known better by now.
  other.observe(0);
  assertEquals(other.offMs, -900);
});

Deno.test("OwnTime: another moment is told by the clock of the day that it has", async () => {
  const s = new Setup(60_000);
  s.observe();
  assertEquals(s.offMs, 0);
  await s.clock.advance(10_000);
  s.aheadMs = -60_000;
  const later = new Date(SERVER_MS + 10_000 - 60_000);
  assertEquals(s.time.at(later).getTime() - SERVER_MS, 10_000);
});

Deno.test("OwnTime: another primary whose clock differs tells the moment by its own", async () => {
  const s = new Setup(0);
  s.observe();
  assertEquals(s.offMs, 0);
  s.serverClock.observe(new Date(SERVER_MS - 30_000), "b:1");
  await s.clock.advance(1000);
  assertEquals(s.offMs, -30_000);
});
