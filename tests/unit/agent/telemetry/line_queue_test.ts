import { assertEquals, assertLess } from "@std/assert";
import { type ByteSink, LineQueue, type LineQueueOptions } from "../../../../agent/telemetry/line_queue.ts";
import { waitFor } from "../../../support/wait.ts";

/** A place for bytes whose writes the test ends as it likes. */
class ManualSink implements ByteSink {
  readonly written: string[] = [];
  readonly #under: { bytes: Uint8Array; end: PromiseWithResolvers<number> }[] = [];

  write(bytes: Uint8Array): Promise<number> {
    const end = Promise.withResolvers<number>();
    this.#under.push({ bytes, end });
    return end.promise;
  }

  /** Writes that are under way. */
  get count(): number {
    return this.#under.length;
  }

  /** Ends the write under way, after `length` bytes. */
  async take(length = Infinity): Promise<void> {
    await waitFor("a write", () => this.count > 0);
    const { bytes, end } = this.#under.shift()!;
    const taken = bytes.subarray(0, length);
    this.written.push(new TextDecoder().decode(taken));
    end.resolve(taken.length);
    await end.promise;
  }

  async fail(message: string): Promise<void> {
    await waitFor("a write", () => this.count > 0);
    this.#under.shift()!.end.reject(new Error(message));
    await Promise.resolve();
  }
}

function setUp(options: Partial<LineQueueOptions> = {}) {
  const sink = new ManualSink();
  const lossLine = (lines: number, reason: string) => `lost ${lines}: ${reason}`;
  return { sink, queue: new LineQueue({ sink, lossLine, ...options }) };
}

Deno.test("LineQueue sends the first line at once, and those that follow together, one write at a time", async () => {
  const { sink, queue } = setUp();
  for (const line of ["a", "b", "c"]) queue.add(line);
  assertEquals(sink.count, 1);
  await sink.take();
  await sink.take();
  assertEquals(sink.written, ["a\n", "b\nc\n"]);
  await queue.flush(10_000);
  assertEquals(sink.count, 0);
});

Deno.test("LineQueue sends the rest of a write that took only a part", async () => {
  const { sink, queue } = setUp();
  queue.add("abcdé");
  for (const length of [2, 3, Infinity]) await sink.take(length);
  await queue.flush(10_000);
  assertEquals(new TextEncoder().encode(sink.written.slice(0, 1).join("")).length, 2);
  assertEquals(sink.written.length, 3);
});

Deno.test("LineQueue drops what finds no room, and says so in its place", async () => {
  const { sink, queue } = setUp({ maxLength: 10 });
  for (const line of ["a", "bbbbb", "ccccc", "d", "eeeee"]) queue.add(line);
  await sink.take();
  queue.add("f");
  await sink.take();
  await sink.take();
  await queue.flush(10_000);
  assertEquals(
    sink.written.join(""),
    "a\nbbbbb\nccccc\nlost 2: standard output was not read fast enough\nf\n",
  );
});

Deno.test("LineQueue reports dropped lines behind those that wait, even if no line follows", async () => {
  const { sink, queue } = setUp({ maxLength: 3 });
  for (const line of ["a", "bbb", "ccc"]) queue.add(line);
  for (let writes = 0; writes < 3; writes++) await sink.take();
  assertEquals(sink.written.join(""), "a\nbbb\nlost 1: standard output was not read fast enough\n");
});

Deno.test("LineQueue keeps its limit, however many lines come without a reader", async () => {
  const { sink, queue } = setUp({ maxLength: 1000 });
  for (let index = 0; index < 100_000; index++) queue.add(`line ${index}`);
  assertEquals(sink.count, 1);
  await sink.take();
  await sink.take();
  assertLess(sink.written.join("").length, 1200);
});

Deno.test("LineQueue counts the lines of a write that fails, keeps the later ones, and tries with its count alone", async () => {
  const { sink, queue } = setUp();
  queue.add("a");
  queue.add("b");
  await sink.fail("No space left on device");
  await sink.fail("No space left on device");
  queue.add("c");
  // Nothing but the count was at stake in the second try.
  await sink.take();
  await sink.take();
  await queue.flush(10_000);
  assertEquals(sink.written.join(""), "\nlost 1: No space left on device\nb\nc\n");
});

Deno.test({
  name: "LineQueue gives up a flush if the write fails, or if there is no reader",
  // It goes on trying after the test.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const failing = setUp();
    failing.queue.add("a");
    const flushed = failing.queue.flush(60_000);
    await failing.sink.fail("Broken pipe");
    await flushed;
    const again = failing.queue.flush(60_000);
    await failing.sink.fail("Broken pipe");
    await again;
    failing.queue.add("b");

    const stuck = setUp();
    stuck.queue.add("a");
    await stuck.queue.flush(1);
    assertEquals(stuck.sink.written, []);
  },
});

Deno.test("LineQueue begins one write of all that waits if the process ends, and does not wait for its end", async () => {
  const { sink, queue } = setUp();
  queue.add("a");
  const flushed = queue.flush(10_000);
  await sink.take();
  await flushed;
  for (const line of ["b", "c".repeat(100_000), "d"]) queue.add(line);
  assertEquals(sink.count, 0, "what comes after the flush is collected");
  queue.flushSync();
  assertEquals(sink.count, 1);
  await sink.take();
  assertEquals(sink.written, ["a\n", `b\n${"c".repeat(100_000)}\nd\n`]);
});

Deno.test("LineQueue begins no write behind another if the process ends", async () => {
  const { sink, queue } = setUp();
  queue.add("a");
  queue.add("b");
  queue.flushSync();
  assertEquals(sink.count, 1);
  await sink.take();
  assertEquals(sink.written, ["a\n"]);
});

Deno.test("LineQueue reports lines that could not be made", async () => {
  const { sink, queue } = setUp();
  queue.lose(2, "a line could not be made");
  queue.add("a");
  await sink.take();
  assertEquals(sink.written.join(""), "lost 2: a line could not be made\na\n");
});
