import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClaimModeError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { Guarded } from "../support/guarded.ts";
import { type AnyDocument, idsOf, LONG_AGO, openStore, pending, type TestStore } from "../support/store.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

/** A store in document mode, for the collection that the user of `guarded` may use. */
function open(guarded: Guarded, clock = systemClock): TestStore {
  return openStore({ uri: guarded.uri("secret"), name: "shop" }, {
    claimMode: "document",
    clock,
    deadLetterCollection: "documents_dead_letters",
    fleet: "on",
    mongodbCollection: "documents",
  });
}

function collections({ client }: Guarded) {
  const shop = client.db("shop");
  return {
    agents: shop.collection<AnyDocument>("documents_agents"),
    documents: shop.collection<AnyDocument>("documents"),
  };
}

Deno.test("CLAIM_MODE of document claims without rights on the collection of the agents, and takes the mode once it has them", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserWithoutFleet("secret");
  const { agents, documents } = collections(guarded);
  await documents.insertMany(pending(3));
  await using store = open(guarded);
  assertEquals(idsOf(await store.take(1)), [0]);
  assertEquals(await agents.countDocuments(), 0);
  await guarded.grantFleet();
  await using other = open(guarded);
  assertEquals(idsOf(await other.take(1)), [1]);
  assertEquals((await agents.findOne({ _id: "ranges" })).mode, "document");
});

Deno.test("CLAIM_MODE of document claims if it loses the rights on the collection of the agents, unless range mode is there", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserWithoutFleet("secret");
  await guarded.grantFleet();
  const { agents, documents } = collections(guarded);
  await documents.insertMany(pending(3));
  const { clock, setAhead } = shiftedClock();
  await using store = open(guarded, clock);
  assertEquals(idsOf(await store.take(1)), [0]);
  await guarded.revokeFleet();
  // The lease of the mode has to be renewed.
  setAhead(120_000);
  assertEquals(idsOf(await store.take(1)), [1]);

  await guarded.grantFleet();
  const held = { from: 1, to: 2, token: "t", owner: "o", visible_at: new Date(Date.now() + 600_000) };
  await agents.updateOne({ _id: "ranges" }, {
    $set: { mode: "range", ranges: [held], mode_until: LONG_AGO },
  });
  await using beside = open(guarded);
  await assertRejects(() => beside.take(1), ClaimModeError);
  await guarded.revokeFleet();
  await assertRejects(() => beside.take(1), ClaimModeError);
});

Deno.test("CLAIM_MODE of document claims beside range mode that it has seen, and may not see any more, once that would be over", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserWithoutFleet("secret");
  await guarded.grantFleet();
  const { agents, documents } = collections(guarded);
  await documents.insertMany(pending(3));
  const { clock, setAhead } = shiftedClock();
  const heldFor = (ms: number) => {
    const visible_at = new Date(Date.now() + ms);
    return { from: 7, to: 8, token: "t", owner: "o", visible_at };
  };
  const mode = { registry: "pulling-agent", version: "v", mode: "range", filter: null };
  const until = new Date(Date.now() + 60_000);
  await agents.insertOne({ _id: "ranges", ...mode, mode_until: until, ranges: [heldFor(30_000)] });
  await using store = open(guarded, clock);
  await assertRejects(() => store.take(1), ClaimModeError, "agents with CLAIM_MODE=range work");
  await agents.updateOne({ _id: "ranges" }, { $set: { ranges: [heldFor(300_000)] } });
  await using other = open(guarded, clock);
  await assertRejects(() => other.take(1), ClaimModeError, "agents with CLAIM_MODE=range work");
  await guarded.revokeFleet();
  const NAMED = "grant find, insert and update on shop.documents_agents";
  await assertRejects(() => store.take(1), ClaimModeError, NAMED);
  // The lease of a range, and the time that a change of the mode takes.
  setAhead(140_000);
  await assertRejects(() => store.take(1), ClaimModeError, NAMED);
  setAhead(160_000);
  assertEquals(idsOf(await store.take(1)), [0]);
  await assertRejects(() => other.take(1), ClaimModeError, NAMED);
  setAhead(310_000);
  assertEquals(idsOf(await other.take(1)), [1]);
});

for (
  const [rights, actions] of [["may only read", ["find"]], ["may only write to", [
    "insert",
    "update",
  ]]] as const
) {
  Deno.test(`CLAIM_MODE of document claims with a user that ${rights} the collection of the agents, unless range mode is there`, async () => {
    await using guarded = await Guarded.start();
    await guarded.makeUserWithoutFleet("secret");
    await guarded.grantFleet(actions);
    const { agents, documents } = collections(guarded);
    await documents.insertMany(pending(3));
    await using store = open(guarded);
    assertEquals(idsOf(await store.take(1)), [0]);
    const held = { from: 0, to: 2, token: "t", owner: "o", visible_at: new Date(Date.now() + 600_000) };
    const until = new Date(Date.now() + 600_000);
    await agents.updateOne(
      { _id: "ranges" },
      { $set: { registry: "pulling-agent", version: "v", mode: "range", ranges: [held], mode_until: until } },
      { upsert: true },
    );
    await assertRejects(() => store.take(1), ClaimModeError);
    await using other = open(guarded);
    await assertRejects(() => other.take(1), ClaimModeError);
    // It was removed and made anew: what was held by it is not known any more.
    await agents.updateOne({ _id: "ranges" }, { $set: { mode: null, ranges: [] } });
    await using third = open(guarded);
    const waits = await assertRejects(() => third.take(1), ClaimModeError);
    assertStringIncludes(waits.message, 'The document "ranges" was removed');
    assertEquals(waits.isOfOthers, false);
  });
}
