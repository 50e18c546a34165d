import { assertEquals, assertMatch } from "@std/assert";
import { settled } from "../../../support/manual_clock.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

Deno.test("Settler finishes the verdict of an earlier holder instead of writing one of its own", async () => {
  const s = new SettlerSetup();
  s.store.insert(1, { verdict: new Date(0) });
  const { documents } = await s.store.claim({ documents: 1, bytes: 1e9 });
  s.settler.settle(s.ledger.add(documents[0]!), { kind: "finish_verdict" });
  await settled();
  assertEquals(s.store.callsOf("finishVerdict").length, 1);
  assertEquals(s.store.callsOf("deadLetter").length, 0);
});

for (
  const [what, reason, says] of [
    ["the reason that stands on the document", "the price is missing", /^the price is missing$/],
    ["that it was decided before, if there is none", undefined, /^an earlier holder decided so/],
  ] as const
) {
  Deno.test(`Settler says of a dead letter whose verdict an earlier holder wrote ${what}`, async () => {
    const s = new SettlerSetup();
    s.store.insert(1, { verdict: new Date(0) });
    const { documents: [document] } = await s.store.claim({ documents: 1, bytes: 1e9 });
    const decided = { ...document!, verdict: { deadAt: new Date(0), ...(reason && { reason }) } };
    s.settler.settle(s.ledger.add(decided), { kind: "finish_verdict" });
    await settled();
    const [dead] = s.recorder.of("dead_lettered");
    assertMatch(dead!.error, says);
  });
}
