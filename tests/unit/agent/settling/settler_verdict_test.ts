import { assertEquals, assertMatch } from "@std/assert";
import { settled } from "../../../support/manual_clock.ts";
import { safe } from "../../../support/safe_text.ts";
import { SettlerSetup } from "../../../support/settler_setup.ts";

Deno.test("Settler finishes the verdict of an earlier holder instead of writing one of its own", async () => {
  const setup = new SettlerSetup();
  setup.store.insert(1, { verdict: new Date(0) });
  const { documents } = await setup.store.claim({ documents: 1, bytes: 1e9 });
  setup.settler.settle(setup.ledger.add(documents[0]!), { kind: "finish_verdict" });
  await settled();
  assertEquals(setup.store.callsOf("finishVerdict").length, 1);
  assertEquals(setup.store.callsOf("deadLetter").length, 0);
});

for (
  const [what, reason, says] of [
    ["the reason that stands on the document", "the price is missing", /^the price is missing$/],
    ["that it was decided before, if there is none", undefined, /^an earlier holder decided so/],
  ] as const
) {
  Deno.test(`Settler says of a dead letter whose verdict an earlier holder wrote ${what}`, async () => {
    const setup = new SettlerSetup();
    setup.store.insert(1, { verdict: new Date(0) });
    const { documents: [document] } = await setup.store.claim({ documents: 1, bytes: 1e9 });
    const decided = { ...document!, verdict: { deadAt: new Date(0), ...(reason && { reason }) } };
    setup.settler.settle(setup.ledger.add(decided), { kind: "finish_verdict" });
    await settled();
    const [dead] = setup.recorder.of("dead_lettered");
    assertMatch(dead!.error, says);
  });
}

Deno.test("Settler has sixteen dead letters under way at once, so that a flood of them does not outlast a drain", async () => {
  const setup = new SettlerSetup();
  const outcome = { kind: "dead_letter", error: safe("no") } as const;
  for (const held of await setup.claim(40)) setup.settler.settle(held, outcome);
  await settled();
  assertEquals(setup.store.peak.deadLetter, 16);
  assertEquals(setup.recorder.of("dead_lettered").length, 40);
});
