import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UsageError } from "../../../agent/errors.ts";
import { type Probe, probe } from "../../../health/probe.ts";
import { TempDir } from "../../support/temp_dir.ts";

async function ask(name: Probe, env: Record<string, string>): Promise<{ answer: boolean; said: string }> {
  const { isYes, text } = await probe(name, (variable) => env[variable]);
  return { answer: isYes, said: text };
}

/** Makes a heartbeat of this age, in seconds. */
async function age(path: string, seconds: number): Promise<void> {
  const at = new Date(Date.now() - seconds * 1000);
  await Deno.utime(path, at, at);
}

for (const name of ["liveness", "readiness", "startup"] as const) {
  Deno.test(`probe() answers ${name} by whether its file exists, with the reason`, async () => {
    await using dir = await TempDir.make();
    const env = { HEALTH_DIR: dir.path };
    const before = await ask(name, env);
    assertEquals(before, { answer: false, said: `${name}: no, ${dir.path}/${name} does not exist` });
    await dir.write(name, "{}");
    const after = await ask(name, env);
    assertEquals(after.answer, true);
    assertMatch(after.said, new RegExp(`^${name}: yes`));
  });
}

for (
  const [interval, fresh, stale] of [
    [undefined, 25, 31],
    ["5", 25, 31],
    ["100ms", 25, 31],
    ["20", 55, 61],
    ["2m", 355, 361],
  ] as const
) {
  Deno.test(`probe() takes a heartbeat for stale after max(30 s, 3 x ${interval ?? "the default"})`, async () => {
    await using dir = await TempDir.make();
    const env: Record<string, string> = { HEALTH_DIR: dir.path };
    if (interval) env.HEARTBEAT_INTERVAL = interval;
    const path = await dir.write("liveness", "{}");
    await age(path, fresh);
    assertEquals((await ask("liveness", env)).answer, true);
    await age(path, stale);
    const { answer, said } = await ask("liveness", env);
    assertEquals(answer, false);
    assertMatch(said, /^liveness: no, the last heartbeat is \d+\.\d s old \(at most \d+ s\)$/);
  });
}

Deno.test("probe() accepts a startup file of any age, and a readiness file for as long as a heartbeat", async () => {
  await using dir = await TempDir.make();
  await age(await dir.write("startup", "{}"), 1e6);
  assertEquals((await ask("startup", { HEALTH_DIR: dir.path })).answer, true);
  await age(await dir.write("readiness", "{}"), 25);
  assertEquals((await ask("readiness", { HEALTH_DIR: dir.path })).answer, true);
  await age(`${dir.path}/readiness`, 31);
  const { answer, said } = await ask("readiness", { HEALTH_DIR: dir.path });
  assertEquals(answer, false, "a process that is frozen or was killed leaves its readiness behind");
  assertMatch(said, /^readiness: no, the last heartbeat is \d+\.\d s old \(at most 30 s\)$/);
});

for (const name of ["liveness", "readiness"] as const) {
  for (const setBySeconds of [-7200, -60, 60, 7200]) {
    Deno.test(`probe() gives the same answer to ${name} although the clock was set by ${setBySeconds} s since the heartbeat`, async () => {
      await using dir = await TempDir.make();
      const now = Date.now();
      const uptime = Deno.osUptime();
      for (const [ageSeconds, answer] of [[5, true], [45, false]] as const) {
        // By the clock of then, which was another one.
        const at = new Date(now - (ageSeconds + setBySeconds) * 1000);
        await dir.write(name, JSON.stringify({ at, machine_uptime_s: uptime - ageSeconds }));
        await Deno.utime(`${dir.path}/${name}`, at, at);
        const { answer: given, said } = await ask(name, { HEALTH_DIR: dir.path });
        assertEquals(given, answer, said);
      }
    });
  }
}

Deno.test("probe() answers liveness by what the heartbeat says, however often its file was touched or rewritten", async () => {
  await using dir = await TempDir.make();
  const at = new Date(Date.now() - 60_000);
  await dir.write("liveness", JSON.stringify({ at, machine_uptime_s: Deno.osUptime() - 60 }));
  assertEquals((await ask("liveness", { HEALTH_DIR: dir.path })).answer, false);
});

Deno.test("probe() ignores a heartbeat from before the start of the machine", async () => {
  await using dir = await TempDir.make();
  await dir.write("liveness", JSON.stringify({ at: new Date(), machine_uptime_s: Deno.osUptime() + 1e6 }));
  const { answer, said } = await ask("liveness", { HEALTH_DIR: dir.path });
  assertEquals([answer, said], [
    false,
    "liveness: no, the last heartbeat is from before the machine was started (at most 30 s)",
  ]);
});

Deno.test("probe() accepts a heartbeat from the future if only its date is known", async () => {
  await using dir = await TempDir.make();
  await age(await dir.write("liveness", "{}"), -3600);
  const { answer, said } = await ask("liveness", { HEALTH_DIR: dir.path });
  assertEquals(answer, true);
  assertMatch(said, / 0\.0 s old/);
});

for (const name of ["liveness", "readiness", "startup"] as const) {
  Deno.test(`probe() does not take a directory ${name} for a file`, async () => {
    await using dir = await TempDir.make();
    await Deno.mkdir(`${dir.path}/${name}`);
    const { answer, said } = await ask(name, { HEALTH_DIR: dir.path });
    assertEquals([answer, said], [false, `${name}: no, ${dir.path}/${name} is not a file`]);
  });
}

Deno.test("probe() refuses a HEARTBEAT_INTERVAL that the agent would refuse", async () => {
  await using dir = await TempDir.make();
  await dir.write("liveness", "{}");
  const env: Record<string, string> = { HEALTH_DIR: dir.path, HEARTBEAT_INTERVAL: "often" };
  await assertRejects(() => probe("liveness", (variable) => env[variable]), UsageError, "HEARTBEAT_INTERVAL");
});
