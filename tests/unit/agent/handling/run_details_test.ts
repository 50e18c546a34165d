import { assertEquals } from "@std/assert";
import { LeaseLostError } from "../../../../agent/errors.ts";
import { HandlerRunSetup, LIMIT_MS } from "../../../support/handler_run_setup.ts";
import { settled } from "../../../support/manual_clock.ts";

/** The end of a run as the details report it: its result, how long it took, and how many documents it had. */
function ends({ clock, told }: HandlerRunSetup): unknown[] {
  return told.flatMap((detail) =>
    detail.type === "run_ended"
      ? [[detail.result, clock.monotonicMs() - detail.startedAtMs, detail.documents.length]]
      : []
  );
}

Deno.test("runHandler() tells of the beginning of a run, and of its end with the time that it took", async () => {
  const gate = Promise.withResolvers<undefined>();
  const run = new HandlerRunSetup(() => gate.promise);
  assertEquals(run.told.map(({ type }) => type), ["run_started"]);
  await run.clock.advance(70);
  gate.resolve(undefined);
  await settled();
  assertEquals(ends(run), [["ok", 70, 1]]);
});

Deno.test("runHandler() tells a run that failed from one that took too long and from one that was aborted", async () => {
  const failed = new HandlerRunSetup(() => Promise.reject(new Error("no")));
  await settled();
  assertEquals(ends(failed), [["failed", 0, 1]]);

  const late = new HandlerRunSetup(() => new Promise(() => {}));
  await late.clock.advance(LIMIT_MS);
  assertEquals(ends(late), [["timed_out", LIMIT_MS, 1]]);

  const lost = new HandlerRunSetup(() => new Promise(() => {}));
  await lost.clock.advance(10);
  lost.held[0]!.abort.abort(new LeaseLostError("gone"));
  await lost.clock.advance(0);
  assertEquals(ends(lost), [["aborted", 10, 1]]);
});

Deno.test("runHandler() tells of a batch as of one run, which has failed if one of its documents has", async () => {
  const run = new HandlerRunSetup(
    {
      kind: "batch",
      processBatch: (documents) => documents.map((_, at) => at === 1 ? new Error("no") : undefined),
    },
    { documents: 3 },
  );
  await settled();
  assertEquals(ends(run), [["failed", 0, 3]]);
});
