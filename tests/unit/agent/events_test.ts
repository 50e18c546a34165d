import { assertEquals } from "@std/assert";
import { type AgentEvent, Events } from "../../../agent/events.ts";

Deno.test("Events: a listener that fails keeps no other from its events, also if it cannot report an error either", () => {
  const events = new Events();
  const errors: string[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error.message);
    events.emit({ type: "unhandled_error", error: event.error });
  };
  addEventListener("error", onError);
  const got: AgentEvent["type"][] = [];
  events.subscribe(({ type }) => {
    throw new Error(`no ${type}`);
  });
  events.subscribe(({ type }) => got.push(type));
  events.emit({ type: "processed", documents: 1 });
  removeEventListener("error", onError);
  assertEquals(got, ["unhandled_error", "processed"]);
  assertEquals(errors, ["no processed"]);
});
