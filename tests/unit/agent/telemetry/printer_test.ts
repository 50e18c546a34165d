import { assertEquals, assertRejects } from "@std/assert";
import { CommandError } from "../../../../agent/errors.ts";
import { Printer } from "../../../../agent/telemetry/printer.ts";

/** A reader that takes a few bytes at a time, each time it is let. */
class SlowReader {
  text = "";
  readonly #decoder = new TextDecoder();
  failure: Error | undefined;
  gate: Promise<void> | undefined;

  async write(bytes: Uint8Array): Promise<number> {
    await this.gate;
    if (this.failure) throw this.failure;
    const taken = bytes.subarray(0, 1000);
    this.text += this.#decoder.decode(taken, { stream: true });
    return taken.length;
  }
}

Deno.test("Printer.print() keeps the order and loses nothing of what a slow reader takes in parts", async () => {
  const reader = new SlowReader();
  const printer = new Printer(reader);
  const lines = Array.from({ length: 300 }, (_, index) => `${index} ${"ä€😀".repeat(200)}`);
  for (const line of lines) await printer.print(line);
  await printer.finish();
  assertEquals(reader.text, lines.join("\n") + "\n");
});

Deno.test("Printer.print() waits if much waits for the reader", async () => {
  const reader = new SlowReader();
  const gate = Promise.withResolvers<void>();
  reader.gate = gate.promise;
  const printer = new Printer(reader);
  await printer.print("small");
  let isThrough = false;
  const large = printer.print("x".repeat(100_000)).then(() => isThrough = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(isThrough, false);
  gate.resolve();
  await large;
  assertEquals(reader.text.length, 100_000 + "small\n\n".length);
});

Deno.test("Printer fails each call after a write that failed, in one sentence", async () => {
  for (
    const [failure, sentence] of [
      [new Deno.errors.BrokenPipe("Broken pipe"), "Not all was printed: the program that reads it has ended"],
      [new Error("No space left"), "Not all was printed (No space left): look at where standard output goes"],
    ] as const
  ) {
    const reader = new SlowReader();
    reader.failure = failure;
    const printer = new Printer(reader);
    await printer.print("lost");
    await assertRejects(() => printer.finish(), CommandError, sentence);
    await assertRejects(() => printer.print("more"), CommandError, sentence);
  }
});
