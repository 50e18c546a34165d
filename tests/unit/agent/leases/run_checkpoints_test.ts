import { assertEquals, assertRejects } from "@std/assert";
import { RunCheckpoints } from "../../../../agent/leases/run_checkpoints.ts";
import { settled } from "../../../support/manual_clock.ts";

/** The checkpoints of a run, and how each promise has ended so far. */
class Setup {
  readonly refusals: unknown[] = [];
  readonly checkpoints: RunCheckpoints;
  readonly ends: Record<string, string> = {};

  constructor(found?: { n: number; data: unknown }) {
    this.checkpoints = new RunCheckpoints(found, (error) => this.refusals.push(error));
  }

  add(name: string): void {
    this.checkpoints.add(name).then(
      () => this.ends[name] = "written",
      (error) => this.ends[name] = String(error),
    );
  }
}

Deno.test("RunCheckpoints numbers checkpoints on from the one that the claim found", () => {
  const { checkpoints } = new Setup({ n: 7, data: "found" });
  assertEquals([checkpoints.take(), checkpoints.hasUnwritten], [undefined, false]);
  checkpoints.add("a");
  checkpoints.add("b");
  assertEquals([checkpoints.take(), checkpoints.hasUnwritten], [{ n: 9, data: "b" }, true]);
});

Deno.test("RunCheckpoints resolves all that a write has confirmed, and not those that came after it", async () => {
  const setup = new Setup();
  setup.add("a");
  setup.add("b");
  const sent = setup.checkpoints.take()!;
  setup.add("c");
  setup.checkpoints.written(sent);
  await settled();
  assertEquals(setup.ends, { a: "written", b: "written" });
  assertEquals(setup.checkpoints.take(), { n: 3, data: "c" });
  setup.checkpoints.written({ n: 3, data: "c" });
  await settled();
  assertEquals([setup.ends.c, setup.checkpoints.hasUnwritten], ["written", false]);
});

Deno.test("RunCheckpoints resolves with a later write what an unanswered one has sent", async () => {
  const setup = new Setup();
  setup.add("a");
  setup.checkpoints.take();
  setup.add("b");
  setup.checkpoints.written(setup.checkpoints.take()!);
  await settled();
  assertEquals(setup.ends, { a: "written", b: "written" });
});

Deno.test("RunCheckpoints drops a refused checkpoint, and keeps a newer one", async () => {
  const setup = new Setup();
  setup.add("a");
  const sent = setup.checkpoints.take()!;
  setup.add("b");
  setup.checkpoints.refused(sent, new Error("too large"));
  await settled();
  assertEquals([setup.ends, setup.refusals.map(String)], [
    { a: "Error: MongoDB refuses the checkpoint: too large" },
    ["Error: too large"],
  ]);
  assertEquals(setup.checkpoints.take(), { n: 2, data: "b" });
});

Deno.test("RunCheckpoints lets no code wait that was aborted, and keeps the last one for the outcome", async () => {
  const setup = new Setup();
  setup.add("a");
  setup.checkpoints.take();
  setup.add("b");
  setup.checkpoints.aborted(new Error("lost"));
  await settled();
  assertEquals(setup.ends, { a: "Error: lost", b: "Error: lost" });
  assertEquals(setup.checkpoints.take(), { n: 2, data: "b" });
});

Deno.test("RunCheckpoints makes no unhandled rejection of a promise that no code awaits", async () => {
  const { checkpoints } = new Setup();
  const promise = checkpoints.add("a");
  checkpoints.aborted(new Error("lost"));
  await settled();
  await assertRejects(() => promise, Error, "lost");
});
