import { assert, assertEquals, assertFalse } from "@std/assert";
import { Details } from "../../../agent/details.ts";

Deno.test("Details are wanted once a part listens; all that listen get each one", () => {
  const details = new Details();
  assertFalse(details.isWanted);
  const got: number[] = [];
  details.subscribe((detail) => got.push(detail.type === "picked_up" ? detail.delayMs : NaN));
  details.subscribe(() => got.push(-1));
  assert(details.isWanted);
  details.emit({ type: "picked_up", delayMs: 5 });
  assertEquals(got, [5, -1]);
});

Deno.test("Details: a listener that fails keeps no other from its details, nor the one that emits them", () => {
  const errors: string[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error.message);
  };
  addEventListener("error", onError);
  const details = new Details();
  const got: number[] = [];
  details.subscribe(() => {
    throw new Error("no listener");
  });
  details.subscribe(() => got.push(1));
  details.emit({ type: "picked_up", delayMs: 5 });
  removeEventListener("error", onError);
  assertEquals([got, errors], [[1], ["no listener"]]);
});
