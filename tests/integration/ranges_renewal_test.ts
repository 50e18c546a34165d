import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedWritesError } from "../../agent/partial_writes.ts";
import type { LeasedDocument } from "../../agent/ports.ts";
import { MongoLeasedDocument } from "../../agent/store/documents/leased_document.ts";
import { testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, pending } from "../support/store.ts";
import { control, expireRanges, open, untilRanges, validate } from "../support/ranges.ts";

Deno.test("CLAIM_MODE of range gives documents leases of their own at the first renewal, drops their range, and tells what is lost", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using other = open(database);
  await jobs(database).insertMany(pending(5));
  const { documents } = await store.take();
  await store.ack([{ document: documents[4]! }]);
  // It has run out, and no agent has taken it over.
  await expireRanges(database);
  await jobs(database).deleteOne({ _id: 0 });
  await jobs(database).updateOne({ _id: 1 }, { $set: { status: "on hold" } });
  assertEquals(idsOf(await store.renew(documents.slice(0, 4))), [0, 1]);
  await untilRanges(database, 0);
  const { _pull, status } = await jobs(database).findOne({ _id: 2 });
  assertEquals(
    [status, _pull.token, _pull.attempts, _pull.takeovers],
    ["processing", documents[2]!.token, 1, 0],
  );
  // A slow document keeps nothing waiting that is inserted beside it.
  await jobs(database).insertOne({ _id: 2.5, status: "pending" });
  assertEquals(idsOf(await other.take()), [2.5]);
  assertEquals(await store.renew(documents.slice(2, 4)), []);
  const { matched, missed } = await store.ack(documents.slice(0, 4).map((document) => ({ document })));
  assertEquals([matched, idsOf(missed)], [2, [0, 1]]);
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 3);
});

Deno.test("CLAIM_MODE of range lets a range run out if its documents take no leases of their own", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  const { ranges: [range] } = await control(database);
  await validate(database, { $or: [{ _id: { $ne: 1 } }, { status: "pending" }] });
  const leasedAtMs = documents[1]!.leasedAtMs;
  const error = await assertRejects(() => store.renew(documents), RefusedWritesError);
  assertEquals([...error.refused.keys()], [1]);
  assertEquals((await control(database)).ranges, [range]);
  assertEquals(documents[1]!.leasedAtMs, leasedAtMs);
  assert(documents[0]!.leasedAtMs > leasedAtMs);
});

Deno.test("CLAIM_MODE of range never shortens the lease of a document by a write that comes late", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(1));
  const { documents: [document] } = await store.take();
  const visible_at = new Date(Date.now() + 3_600_000);
  const _pull = { token: document!.token, attempts: 1, takeovers: 0, visible_at };
  await jobs(database).updateOne({ _id: 0 }, { $set: { status: "processing", _pull } });
  assertEquals(await store.renew([document!]), []);
  assertEquals((await jobs(database).findOne({ _id: 0 }))._pull.visible_at, visible_at);
});

for (const outcome of ["release", "snooze"] as const) {
  Deno.test(`CLAIM_MODE of range: ${outcome} counts no attempt of documents of which some leave their range meanwhile`, async () => {
    await using database = await testDatabase("ranges");
    await using store = open(database);
    await jobs(database).insertMany(pending(10));
    const documents: LeasedDocument[] = [];
    // More batches than writes are sent at once: the last one waits.
    while (documents.length < 10) documents.push(...(await store.take(2)).documents);
    const leaves = documents[8]!;
    assert(leaves instanceof MongoLeasedDocument);
    const _pull = {
      token: leaves.token,
      attempts: 1,
      takeovers: 0,
      visible_at: new Date(Date.now() + 60_000),
    };
    await jobs(database).updateOne({ _id: 8 }, { $set: { status: "processing", _pull } });
    const writing = outcome === "release"
      ? store.release(documents)
      : store.snooze(documents.map((document) => ({ document, snoozeMs: 1000 })));
    leaves.leftRange();
    assertEquals((await writing).matched, 10);
    assertEquals(await jobs(database).distinct("_pull.attempts"), [0]);
  });
}
