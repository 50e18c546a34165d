import { assert, assertEquals } from "@std/assert";
import { insertPending, upTo } from "../support/documents.ts";
import { type LimitedHome, limitedHome } from "../support/limited.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const PER_SECOND = 50;
/** As many as a minute gives. */
const COUNT = 60 * PER_SECOND;

/** How many documents started in a second, from the `from`th on. */
async function rateOf(home: LimitedHome, from: number): Promise<number> {
  const starts = await waitFor("a minute's worth of starts", async () => {
    const starts = await home.starts();
    return starts.length >= from + COUNT ? starts.slice(from, from + COUNT) : undefined;
  });
  return 1000 * (COUNT - 1) / (starts.at(-1)! - starts[0]!);
}

/** The longest time that documents waited between claim and start is below this bucket, in seconds, for all but so many. */
async function waitedLonger(home: LimitedHome, agent: string, than: number): Promise<number> {
  const { stdout } = await home.runWith({ args: ["metrics"], env: { HEALTH_DIR: home.healthDirOf(agent) } });
  const read = (pattern: RegExp) => Number(pattern.exec(stdout)![1]);
  const bucket = new RegExp(`rate_limit_wait_seconds_bucket\\{le="${than}"\\} (\\d+)`);
  return read(/rate_limit_wait_seconds_count (\d+)/) - read(bucket);
}

Deno.test("RATE_LIMIT of 50 a second is held within 2 % over a minute, and no document waits for longer than a second", async () => {
  await using db = await testDatabase("minute");
  await insertPending(db, upTo(COUNT + 500));
  await using home = await limitedHome(db, { RATE_LIMIT: `${PER_SECOND}`, METRICS_FILE: "true" });
  const agent = await home.startOne("a");
  const rate = await rateOf(home, 0);
  console.log(`one agent: ${rate.toFixed(2)} a second`);
  assert(Math.abs(rate - PER_SECOND) <= 0.02 * PER_SECOND, `${rate} a second`);
  assertEquals(await waitedLonger(home, "a", 1.5), 0);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("RATE_LIMIT of 50 a second for a fleet of four is held within 5 % over a minute, from their start at once on", async () => {
  await using db = await testDatabase("fleet");
  await insertPending(db, upTo(2 * COUNT));
  await using home = await limitedHome(db, {
    RATE_LIMIT: `${PER_SECOND}`,
    RATE_LIMIT_SCOPE: "fleet",
    METRICS_FILE: "true",
  });
  const names = ["a", "b", "c", "d"];
  const agents = await Promise.all(names.map((name) => home.startOne(name)));
  for (const agent of agents) {
    await agent.untilStatus("a quarter of the limit", ({ rate_limit }) => rate_limit?.here_per_s === 12.5);
  }
  const before = (await home.starts()).length;
  const rate = await rateOf(home, before);
  console.log(`a fleet of four: ${rate.toFixed(2)} a second`);
  assert(Math.abs(rate - PER_SECOND) <= 0.05 * PER_SECOND, `${rate} a second`);
  const waits = await Promise.all(names.map((name) => waitedLonger(home, name, 2.5)));
  assertEquals(waits, [0, 0, 0, 0]);

  // From the first start on, no second had more than the limit and what the fleet may have left of the second before.
  const starts = await home.starts();
  const most = Math.max(
    ...starts.map((from, at) => starts.slice(at).findIndex((each) => each >= from + 1000)),
  );
  console.log(`at most ${most} in a second`);
  assert(most <= 2 * PER_SECOND, `${most} in a second`);
  for (const agent of agents) agent.signal("SIGTERM");
  for (const agent of agents) assertEquals((await agent.exit()).code, 0);
});
