import { assertEquals, assertRejects } from "@std/assert";
import {
  aborted,
  answerBy,
  atDeadline,
  type Deadline,
  doneBy,
  sleep,
} from "../../../../agent/lib/deadline.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { pick, testRandom } from "../../../support/random.ts";

/** A signal that knows how many listen to it. */
class CountedSignal {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly #listeners = new Set<unknown>();

  constructor() {
    const { signal } = this;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      this.#listeners.add(args[1]);
      Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      this.#listeners.delete(args[1]);
      Reflect.apply(removeEventListener, signal, args);
    };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  abort(): void {
    this.#controller.abort(new Error("enough"));
  }
}

const late = () => new Error("too late");
const never = () => new Promise<never>(() => {});

Deno.test("sleep() ends after its time", async () => {
  const clock = new ManualClock();
  let isOver = false;
  sleep(clock, 100).then(() => isOver = true);
  await clock.advance(99);
  assertEquals(isOver, false);
  await clock.advance(1);
  assertEquals(isOver, true);
});

Deno.test("sleep() ends early when its signal aborts, without throwing", async () => {
  const clock = new ManualClock();
  await sleep(clock, 100, AbortSignal.abort());
  const controller = new AbortController();
  const slept = sleep(clock, 100, controller.signal);
  controller.abort(new Error("enough"));
  await slept;
  assertEquals(clock.pending, 0);
});

Deno.test("aborted() resolves when its signal aborts, or has aborted", async () => {
  await aborted(AbortSignal.abort());
  const controller = new AbortController();
  let isOver = false;
  const wait = aborted(controller.signal).then(() => isOver = true);
  await settled();
  assertEquals(isOver, false);
  controller.abort();
  await wait;
});

Deno.test("answerBy() rejects, and doneBy() resolves with undefined, at the deadline", async () => {
  const clock = new ManualClock();
  const rejected = assertRejects(() => answerBy(never(), { clock, limitMs: 50 }, late), Error, "too late");
  const resolved = doneBy(never(), { clock, limitMs: 50 });
  await clock.advance(50);
  await rejected;
  assertEquals(await resolved, undefined);

  await assertRejects(() => answerBy(never(), { signal: AbortSignal.abort() }, late), Error, "too late");
  assertEquals(await doneBy(never(), { signal: AbortSignal.abort() }), undefined);
});

Deno.test("answerBy() and doneBy() pass on what the promise brings before the deadline", async () => {
  const clock = new ManualClock();
  const deadline = { clock, limitMs: 50 };
  assertEquals(await answerBy(Promise.resolve(5), deadline, late), 5);
  assertEquals(await doneBy(Promise.resolve(5), deadline), 5);
  const broken = () => Promise.reject(new Error("it broke"));
  await assertRejects(() => answerBy(broken(), deadline, late), Error, "it broke");
  await assertRejects(() => doneBy(broken(), deadline), Error, "it broke");
});

Deno.test("answerBy() and doneBy() ignore a failure that comes after the deadline", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const over = { signal: AbortSignal.abort() };
  assertEquals(await doneBy(promise, over), undefined);
  await assertRejects(() => answerBy(promise, over, late), Error, "too late");
  // An unhandled rejection would fail the test.
  reject(new Error("nothing waits for this"));
  await settled();
});

Deno.test("atDeadline() calls back at most once, and never after it was cancelled", () => {
  const clock = new ManualClock();
  const counted = new CountedSignal();
  let calls = 0;
  const cancel = atDeadline({ clock, limitMs: 5, signal: counted.signal }, () => calls += 1);
  cancel();
  counted.abort();
  assertEquals([calls, clock.pending, counted.listeners], [0, 0, 0]);
  atDeadline({ signal: counted.signal }, () => calls += 1)();
  assertEquals(calls, 1, "it has aborted already");
});

Deno.test("atDeadline() waits for an infinite time without a timer", () => {
  const clock = new ManualClock();
  const cancel = atDeadline({ clock, limitMs: Infinity }, () => {});
  assertEquals(clock.pending, 0);
  cancel();
});

Deno.test("answerBy(): no wait leaves a timer or a listener behind, in any order of its ends", async () => {
  const random = testRandom(13);
  for (let run = 0; run < 500; run++) {
    const clock = new ManualClock();
    const counted = new CountedSignal();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const { signal } = counted;
    const deadline = pick<Deadline>(random, [{ clock, limitMs: 10 }, { signal }, {
      clock,
      limitMs: 10,
      signal,
    }]);
    const wait = pick<() => Promise<unknown>>(random, [
      () => answerBy(promise, deadline, late),
      () => doneBy(promise, deadline),
      () => deadline.clock ? sleep(clock, 10, deadline.signal) : aborted(deadline.signal),
    ]);
    const over = wait().catch(() => {});
    promise.catch(() => {});
    const ends = [
      () => counted.abort(),
      () => clock.advance(10),
      () => resolve(1),
      () => reject(new Error("it broke")),
    ];
    ends.sort(() => random() - 0.5);
    for (const end of ends) {
      await end();
      if (random() < 0.5) await settled();
    }
    await over;
    assertEquals([clock.pending, counted.listeners], [0, 0], `run ${run}`);
  }
});
