import { assertEquals } from "@std/assert";
import { DrainingGate } from "../../../../agent/claiming/draining_gate.ts";
import { PauseController } from "../../../../control/pause_controller.ts";

class Setup {
  readonly pause = new PauseController();
  readonly drain = new AbortController();
  readonly gate = new DrainingGate(this.pause, this.drain.signal);
}

Deno.test("DrainingGate is open as the gate behind it is, until the agent drains", () => {
  const { drain, gate, pause } = new Setup();
  const seen = [gate.isOpen];
  pause.pause("signal");
  seen.push(gate.isOpen);
  pause.resume("signal");
  seen.push(gate.isOpen);
  drain.abort();
  seen.push(gate.isOpen);
  pause.pause("signal");
  pause.resume("signal");
  seen.push(gate.isOpen);
  assertEquals(seen, [true, false, true, false, false]);
});

Deno.test("DrainingGate.waitOpen() waits for a resume, and ends with false if the agent drains", async () => {
  const { drain, gate, pause } = new Setup();
  assertEquals(await gate.waitOpen(), true);
  pause.pause("signal");
  const resumed = gate.waitOpen();
  pause.resume("signal");
  assertEquals(await resumed, true);
  pause.pause("signal");
  const drained = gate.waitOpen();
  drain.abort();
  assertEquals(await drained, false);
  pause.resume("signal");
  assertEquals(await gate.waitOpen(), false, "the agent still drains");
});

Deno.test("DrainingGate.closed aborts on a pause and when the agent drains, and is a new signal after a resume", () => {
  const { drain, gate, pause } = new Setup();
  const signals = [gate.closed];
  const aborted = () => signals.map((each) => each.aborted);
  assertEquals(aborted(), [false]);
  pause.pause("signal");
  assertEquals([gate.closed, ...aborted()], [signals[0], true]);
  pause.resume("signal");
  signals.push(gate.closed);
  assertEquals(aborted(), [true, false]);
  drain.abort();
  assertEquals(aborted(), [true, true]);
  pause.pause("signal");
  pause.resume("signal");
  assertEquals(gate.closed.aborted, true, "the agent still drains");
});

Deno.test("DrainingGate.closed has aborted from the start if the agent starts paused", () => {
  const pause = new PauseController();
  pause.pause("file");
  assertEquals(new DrainingGate(pause, new AbortController().signal).closed.aborted, true);
});

Deno.test("DrainingGate.closed is never at odds with isOpen, for a listener that comes before it either", () => {
  const pause = new PauseController();
  const seen: boolean[] = [];
  const gates: DrainingGate[] = [];
  pause.onChange(() => gates.forEach((gate) => seen.push(gate.isOpen, gate.closed.aborted)));
  gates.push(new DrainingGate(pause, new AbortController().signal));
  pause.pause("signal");
  pause.resume("signal");
  assertEquals(seen, [false, true, true, false]);
});
