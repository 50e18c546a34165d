import { assert, assertEquals, assertRejects } from "@std/assert";
import { ObjectId } from "mongodb";
import { type Detail, Details } from "../../agent/details.ts";
import { testDatabase } from "../support/mongod.ts";
import { jobs, openStore } from "../support/store.ts";

const HOUR_MS = 3_600_000;

/** Details that are wanted, and the latest of them. */
function wanted(): {
  details: Details;
  take: <T extends Detail["type"]>(type: T) => Extract<Detail, { type: T }>[];
} {
  const details = new Details();
  let all: Detail[] = [];
  details.subscribe((detail) => all.push(detail));
  return {
    details,
    take: (type) => {
      const found = all.filter((detail) => detail.type === type);
      all = [];
      return found as never;
    },
  };
}

/** The hour at which each document was due, as its delay says. */
function dueHours(delays: { delayMs: number }[]): number[] {
  return delays.map(({ delayMs }) => Math.round((Date.now() - delayMs) / HOUR_MS)).sort((a, b) => a - b);
}

const at = (hours: number) => new Date(hours * HOUR_MS);
const idAt = (hours: number) => ObjectId.createFromTime(hours * 3600);

Deno.test("Details tell how late new and scheduled documents and retries are claimed, and nothing of ids without a time and of takeovers", async () => {
  await using database = await testDatabase("pick-ups");
  const { details, take } = wanted();
  await using store = openStore(database, { details });
  await jobs(database).insertMany([
    { _id: idAt(100_000), status: "pending" },
    { _id: idAt(1), status: "pending", _pull: { visible_at: at(200_000) } },
    { _id: idAt(2), status: "pending", _pull: { visible_at: at(300_000), attempts: 1 } },
    { _id: "no time", status: "pending" },
    { _id: idAt(3), status: "processing", _pull: { token: "old", visible_at: at(4), attempts: 1 } },
  ]);
  const { documents } = await store.take();
  assertEquals(documents.length, 5);
  assertEquals(dueHours(take("picked_up")), [100_000, 200_000, 300_000]);
});

Deno.test("Details tell of the documents alone that a claim has taken, if others have to wait", async () => {
  await using database = await testDatabase("pick-ups of some");
  const { details, take } = wanted();
  await using store = openStore(database, { details });
  // Of one customer, one document is in processing at a time.
  await jobs(database).createIndex({ customer: 1 }, {
    unique: true,
    partialFilterExpression: { status: "processing" },
  });
  await jobs(database).insertMany([100_000, 200_000].map((hours) => ({
    _id: hours,
    status: "pending",
    customer: 1,
    _pull: { visible_at: at(hours), attempts: 1 },
  })));
  const { documents } = await store.take();
  assertEquals(documents.length, 1);
  assertEquals(dueHours(take("picked_up")), [documents[0]!.id]);
});

Deno.test("Details tell of each operation once, with its kind and its end", async () => {
  await using database = await testDatabase("operations");
  const { details, take } = wanted();
  await using store = openStore(database, { details });
  await jobs(database).insertMany([1, 2].map((_id) => ({ _id, status: "pending" })));
  await store.take();
  take("operation_ended");
  await jobs(database).insertOne({ _id: 3, status: "pending" });
  const { documents } = await store.take();
  const kinds = (all: { operation: string; isOk: boolean }[]) =>
    all.map(({ operation, isOk }) => [operation, isOk]);
  assertEquals(kinds(take("operation_ended")).slice(0, 2), [["find", true], ["write", true]]);
  await store.ack(documents.map((document) => ({ document })));
  assertEquals(kinds(take("operation_ended")), [["write", true]]);
  await store.close();
  await assertRejects(() => store.take());
  assert(kinds(take("operation_ended")).every(([, isOk]) => isOk === false));
});

Deno.test("Details that are not wanted are not made", async () => {
  await using database = await testDatabase("no details");
  const details = new Details();
  details.emit = () => {
    throw new Error("A detail was made");
  };
  await using store = openStore(database, { details });
  await jobs(database).insertOne({ _id: idAt(1) as unknown as number, status: "pending" });
  const { documents } = await store.take();
  await store.ack(documents.map((document) => ({ document })));
});
