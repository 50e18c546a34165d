import { assertEquals } from "@std/assert";
import { agents, control, open } from "../support/ranges.ts";
import { testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, pending } from "../support/store.ts";
import { shiftedClock } from "../support/shifted_clock.ts";

Deno.test("CLAIM_MODE of range: a swap that relies on one which a failover has taken back misses", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using other = open(database);
  await store.take();
  const before = await control(database);
  await jobs(database).insertMany(pending(3));
  assertEquals(idsOf(await store.take(1)), [0]);
  // The new primary has not got that swap, and another agent makes one in its place.
  await agents(database).replaceOne({ _id: "ranges" }, before);
  assertEquals(idsOf(await other.take(2)), [0, 1]);
  assertEquals(idsOf(await store.take(1)), [2]);
});

Deno.test("CLAIM_MODE of range: an agent that believes the server's clock to be ahead takes no live range over", async () => {
  await using database = await testDatabase("ranges");
  const { clock, setAhead } = shiftedClock();
  await using holder = open(database);
  await using ahead = open(database, { clock });
  await ahead.take();
  await jobs(database).insertMany(pending(2));
  const { documents } = await holder.take();
  setAhead(120_000);
  assertEquals(idsOf(await ahead.take()), []);
  assertEquals((await holder.ack(documents.map((document) => ({ document })))).matched, 2);
});
