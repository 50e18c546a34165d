import { assert, assertEquals } from "@std/assert";
import type { Collection } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { Claimer } from "../../agent/store/claims/claimer.ts";
import { ServerClock } from "../../agent/store/connection/server_clock.ts";
import { renew } from "../../agent/store/lease_writes.ts";
import { nack, release } from "../../agent/store/outcomes/ack_nack_release.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { type AnyDocument, COLLECTION, idsOf, MONGODB, pending } from "../support/store.ts";

const HOUR_MS = 3_600_000;
const LEASE_MS = 60_000;

/** The collection as an agent has it: its writes are acknowledged by a majority, which was no default before 5.0. */
function claimed(database: TestDatabase): Collection<AnyDocument> {
  return database.db.collection<AnyDocument>(COLLECTION, { writeConcern: { w: "majority" } });
}

async function serverTime(database: TestDatabase): Promise<Date> {
  return (await database.client.db("admin").command({ hello: 1 })).localTime;
}

/** Runs `work` in a pod whose wall clock is wrong by `offsetMs`. */
async function withPodClock(offsetMs: number, work: () => Promise<void>): Promise<void> {
  const RealDate = globalThis.Date;
  const realNow = Date.now;
  const ShiftedDate = new Proxy(RealDate, {
    construct: (target, args) =>
      args.length === 0 ? new target(realNow() + offsetMs) : Reflect.construct(target, args),
  });
  globalThis.Date = ShiftedDate;
  RealDate.now = () => realNow() + offsetMs;
  try {
    await work();
  } finally {
    globalThis.Date = RealDate;
    RealDate.now = realNow;
  }
}

for (const [which, offsetMs] of [["ahead of", HOUR_MS], ["behind", -HOUR_MS]] as const) {
  Deno.test(`ServerClock: a pod whose clock is an hour ${which} the server's writes leases and delays in the server's time`, async () => {
    await using database = await testDatabase("server clock");
    const collection = claimed(database);
    await collection.insertMany(pending(4));
    const before = (await serverTime(database)).getTime();
    await withPodClock(offsetMs, async () => {
      const serverClock = new ServerClock(systemClock);
      const holder = {
        collection,
        clock: systemClock,
        serverClock,
        server: MONGODB,
        leaseMs: LEASE_MS,
        maxTimeMS: 10_000,
        writeLimitMs: 1000,
      };
      const claimer = new Claimer({
        ...holder,
        ...SYSTEM,
        syncClock: async () => void serverClock.observe(await serverTime(database), "the primary"),
        owner: "a pod",
        claimLimitMs: 9000,
        filter: undefined,
        readBack: "contended",
        maxAttempts: 5,
      });
      const { documents: [a, b, c] } = await claimer.claim({ documents: 4, bytes: 1e6 });
      await release([a!], holder);
      await nack([{ document: b!, error: "fails", delayMs: HOUR_MS }], holder);
      await renew([c!], holder);
      assertEquals(idsOf(await claimer.claim({ documents: 4, bytes: 1e6 })), [0], "what was released is due");
    });

    const elapsedMs = (await serverTime(database)).getTime() - before;
    const stored = await collection.find().sort({ _id: 1 }).toArray();
    const dueInMs = stored.map(({ _pull }) => _pull.visible_at.getTime() - before);
    for (const [index, expectedMs] of [[0, LEASE_MS], [1, HOUR_MS], [2, LEASE_MS], [3, LEASE_MS]] as const) {
      const differenceMs = dueInMs[index]! - expectedMs;
      // Never late; early by the latency of answers at the worst.
      assert(
        differenceMs >= -1000 && differenceMs <= elapsedMs,
        `document ${index} is due ${differenceMs} ms late`,
      );
    }
  });
}

Deno.test("ServerClock: a server that claims to be an hour ahead is believed: its leases are judged by itself", async () => {
  await using database = await testDatabase("server clock");
  const collection = claimed(database);
  await collection.insertMany(pending(1));
  const serverClock = new ServerClock(systemClock);
  serverClock.observe(new Date(Date.now() + HOUR_MS), "the primary");
  const claimer = new Claimer({
    collection,
    ...SYSTEM,
    serverClock,
    server: MONGODB,
    syncClock: () => Promise.reject(new Error("The clock is known")),
    owner: "a pod",
    claimLimitMs: 9000,
    leaseMs: LEASE_MS,
    filter: undefined,
    readBack: "contended",
    maxAttempts: 5,
    maxTimeMS: 10_000,
    writeLimitMs: 1000,
  });
  await claimer.claim({ documents: 1, bytes: 1e6 });
  const { _pull } = await collection.findOne();
  assert(Math.abs(_pull.visible_at.getTime() - Date.now() - HOUR_MS - LEASE_MS) < 60_000);
});
