import { assert, assertEquals, assertMatch } from "@std/assert";
import { PermanentError } from "../../../../agent/errors.ts";
import { entriesOf, resultOf } from "../../../support/results.ts";

for (const returned of [{ snoozeMs: 1500.5 }, { ok: true, set: undefined, snoozeMs: 1500.5 }]) {
  Deno.test(`resultOf() puts the document off by ${Deno.inspect(returned)}`, async () => {
    assertEquals(await resultOf(returned), { ok: true, snoozeMs: 1500.5 });
  });
}

for (const snoozeMs of [undefined, null]) {
  Deno.test(`resultOf() takes snoozeMs: ${snoozeMs} for none`, async () => {
    assertEquals(await resultOf({ snoozeMs }), { ok: true });
    assertEquals((await resultOf({ set: { a: 1 }, snoozeMs }) as { set?: unknown }).set, { a: 1 });
  });
}

for (
  const [returned, message] of [
    [{ snoozeMs: NaN }, /"snoozeMs" must be a number of milliseconds of 0 or more, not NaN$/],
    [{ snoozeMs: -1 }, /"snoozeMs" must be a number of milliseconds of 0 or more, not -1$/],
    [{ snoozeMs: Infinity }, /"snoozeMs" must be a number of milliseconds of 0 or more, not Infinity$/],
    [{ snoozeMs: "5" }, /"snoozeMs" must be a number of milliseconds, not /],
    [{ snoozeMs: 5n }, /"snoozeMs" must be a number of milliseconds, not /],
    [{ snoozeMs: new Date() }, /"snoozeMs" must be a number of milliseconds, not /],
    [{ snoozeMs: 5, set: { a: 1 } }, /"snoozeMs" puts it off: return one of the two$/],
    [{ snoozeMs: 5, set: {} }, /"snoozeMs" puts it off: return one of the two$/],
    [
      { snoozeMs: 5, until: 1 },
      /returned "until" beside "snoozeMs", .*: return \{ snoozeMs: 60_000 \} alone$/,
    ],
    [{ _id: 1, snoozeMs: 5 }, /returned "_id" beside "snoozeMs"/],
    [{ snooze: 5 }, /returned "snooze": to put the document off, return \{ snoozeMs: 60_000 \}/],
    [{ snoozeMS: 5 }, /returned "snoozeMS"/],
    [{ snooze_ms: 5 }, /returned "snooze_ms"/],
    [{ snoozeSeconds: 5 }, /returned "snoozeSeconds"/],
  ] as const
) {
  Deno.test(`resultOf() refuses ${Deno.inspect(returned)}, which asks for no snooze`, async () => {
    const result = await resultOf(returned);
    assert(!result.ok && result.error instanceof PermanentError);
    assertMatch(result.error.message, message);
  });
}

Deno.test("resultOf() takes a document with a field of such a name for no snooze", async () => {
  assertEquals(await resultOf({ _id: 1, snooze: 5 }), { ok: true, ignored: ["_id", "snooze"] });
  assertEquals(await resultOf({ snooze: true }), { ok: true, ignored: ["snooze"] });
});

Deno.test("entriesOf() puts off the documents whose entries ask for it", async () => {
  const entries = await entriesOf([{ snoozeMs: 5 }, undefined, { snoozeMs: -5 }], 3);
  assertEquals(entries.slice(0, 2), [{ ok: true, snoozeMs: 5 }, { ok: true }]);
  assert(!entries[2]!.ok);
});
