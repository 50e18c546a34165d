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
  pause.pause("signal");
  const [resumed, drained] = [gate.waitOpen(new AbortController().signal), gate.waitOpen(drain.signal)];
  drain.abort();
  assertEquals(await drained, false);
  pause.resume("signal");
  assertEquals(await resumed, true);
});

Deno.test("DrainingGate.onChange() passes on each pause and resume", () => {
  const { gate, pause } = new Setup();
  const seen: boolean[] = [];
  gate.onChange((isOpen) => seen.push(isOpen));
  pause.pause("signal");
  pause.resume("file");
  assertEquals(seen, [false, true]);
});
