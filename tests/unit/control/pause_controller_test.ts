import { assert, assertEquals } from "@std/assert";
import { type AgentEvent, Events } from "../../../agent/events.ts";
import { PauseController } from "../../../control/pause_controller.ts";

const NEVER = new AbortController().signal;

Deno.test("PauseController starts open", () => {
  const gate = new PauseController();
  assertEquals(gate.isOpen, true);
  assertEquals([gate.current.state, gate.current.source], ["running", "start"]);
});

Deno.test("PauseController: the latest change of any source wins", () => {
  const gate = new PauseController();
  gate.pause("file");
  assertEquals([gate.isOpen, gate.current.source], [false, "file"]);
  gate.resume("signal");
  assertEquals([gate.isOpen, gate.current.source], [true, "signal"]);
  gate.pause("signal");
  gate.resume("file");
  assertEquals([gate.isOpen, gate.current.source], [true, "file"]);
});

Deno.test("PauseController: a request for the present state changes neither source nor time, and calls no listener", () => {
  const gate = new PauseController();
  const told: boolean[] = [];
  gate.onChange((isOpen) => told.push(isOpen));
  gate.resume("file");
  assertEquals(gate.current.source, "start");
  gate.pause("file");
  const { since } = gate.current;
  gate.pause("signal");
  assertEquals(gate.current.source, "file");
  assert(gate.current.since === since);
  assertEquals(told, [false]);
});

Deno.test("PauseController tells every listener of every change, in order", () => {
  const gate = new PauseController();
  const told: string[] = [];
  gate.onChange((isOpen) => told.push(`a ${isOpen}`));
  gate.onChange((isOpen) => told.push(`b ${isOpen}`));
  gate.pause("signal");
  gate.resume("signal");
  assertEquals(told, ["a false", "b false", "a true", "b true"]);
});

Deno.test("PauseController emits one event for each change, with its source, before a listener acts on it", () => {
  const events = new Events();
  const seen: (AgentEvent | string)[] = [];
  events.subscribe((event) => seen.push(event));
  const gate = new PauseController(events);
  gate.onChange((isOpen) => seen.push(`listener ${isOpen}`));
  gate.pause("file");
  gate.pause("signal");
  gate.resume("signal");
  assertEquals(seen, [
    { type: "pause_changed", state: "paused", source: "file" },
    "listener false",
    { type: "pause_changed", state: "running", source: "signal" },
    "listener true",
  ]);
});

Deno.test("PauseController.waitOpen() resolves true at once while open, and on resume", async () => {
  const gate = new PauseController();
  assertEquals(await gate.waitOpen(NEVER), true);
  gate.pause("signal");
  const waits = [gate.waitOpen(NEVER), gate.waitOpen(NEVER)];
  gate.resume("signal");
  assertEquals(await Promise.all(waits), [true, true]);
});

Deno.test("PauseController.waitOpen() resolves false once its signal has aborted, open or not", async () => {
  const gate = new PauseController();
  assertEquals(await gate.waitOpen(AbortSignal.abort()), false);
  gate.pause("signal");
  assertEquals(await gate.waitOpen(AbortSignal.abort()), false);
  const controller = new AbortController();
  const wait = gate.waitOpen(controller.signal);
  controller.abort();
  assertEquals(await wait, false);
});

Deno.test("PauseController.waitOpen() goes on waiting after a resume and a pause in the same moment", async () => {
  const gate = new PauseController();
  gate.pause("signal");
  let isOver = false;
  const wait = gate.waitOpen(NEVER).then(() => isOver = true);
  gate.resume("signal");
  gate.pause("signal");
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(isOver, false);
  gate.resume("signal");
  await wait;
});

Deno.test("PauseController: a listener that ends a wait does not keep others from being called", async () => {
  const gate = new PauseController();
  gate.pause("signal");
  const controller = new AbortController();
  const told: boolean[] = [];
  gate.onChange(() => controller.abort());
  const wait = gate.waitOpen(controller.signal);
  gate.onChange((isOpen) => told.push(isOpen));
  gate.resume("signal");
  assertEquals(await wait, false);
  gate.pause("signal");
  assertEquals(told, [true, false]);
});
