import { assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** Leases whose parts are no whole milliseconds. MongoDB refuses a command that has such a limit. */
const LEASES_MS = [2222, 3001, 19_999];

for (const leaseMs of LEASES_MS) {
  Deno.test(`claim() and wakeStream() ask MongoDB for whole milliseconds under a lease of ${leaseMs}`, async () => {
    await using database = await testDatabase("time limits");
    await jobs(database).insertMany(pending(2));
    await using store = openStore(database, { leaseMs });
    assertEquals(idsOf(await store.take()), [0, 1]);
    const seen: unknown[] = [];
    let hints = 0;
    const stream = store.streams.wake({
      onHint: () => hints += 1,
      onUnsupported: (reason) => seen.push(reason),
      onTrouble: (error) => seen.push(error),
    });
    stream.start();
    try {
      await waitFor("the stream to be open", () => hints > 0);
      const atOpen = hints;
      await jobs(database).insertOne({ _id: "new", status: "pending" });
      await waitFor("the stream to tell of a document", () => hints > atOpen);
      assertEquals(seen, []);
    } finally {
      await stream.stop();
    }
  });
}
