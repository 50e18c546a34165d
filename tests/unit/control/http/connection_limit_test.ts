import { assertEquals } from "@std/assert";
import { ConnectionLimit } from "../../../../control/http/connection_limit.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

Deno.test("ConnectionLimit gives the place of a silent connection to a new one, at once if it had its moment, and never that of one that waits for its answer", async () => {
  const clock = new ManualClock();
  const limit = new ConnectionLimit(clock, { connections: 2, everyMs: 0, waitMs: 50, lifeMs: 1000 });
  const { signal } = new AbortController();
  const closed: string[] = [];
  const open = async (name: string) => {
    await limit.room(signal);
    const connection = { close: () => closed.push(name) } as unknown as Deno.Conn;
    limit.add(connection);
    return connection;
  };
  limit.spare(await open("asks"));
  await open("silent");
  clock.skip(50);
  // A thousand that stay silent take no moment each from the one behind them.
  await open("new");
  assertEquals(closed, ["silent"]);
  const late = open("late");
  await clock.advance(49);
  assertEquals(closed, ["silent"]);
  await clock.advance(1);
  limit.spare(await late);
  assertEquals(closed, ["silent", "new"]);
  const last = open("last");
  await clock.advance(50);
  await last;
  assertEquals(closed, ["silent", "new", "asks"]);
  limit.closeAll();
});
