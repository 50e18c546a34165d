import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UsageError } from "../../../agent/errors.ts";
import { type Probe, probe } from "../../../health/probe_command.ts";
import { captureConsole } from "../../support/captured_console.ts";
import { TempDir } from "../../support/temp_dir.ts";

async function ask(name: Probe, env: Record<string, string>): Promise<{ answer: boolean; said: string }> {
  const { out, value } = await captureConsole(() => probe(name, (variable) => env[variable]));
  return { answer: value, said: out.join("\n") };
}

/** Makes a heartbeat of this age, in seconds. */
async function age(path: string, seconds: number): Promise<void> {
  const at = new Date(Date.now() - seconds * 1000);
  await Deno.utime(path, at, at);
}

for (const name of ["liveness", "readiness", "startup"] as const) {
  Deno.test(`probe() answers ${name} by whether its file is there, and says why`, async () => {
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

Deno.test("probe() takes readiness and startup however old they are", async () => {
  await using dir = await TempDir.make();
  for (const name of ["readiness", "startup"] as const) {
    await age(await dir.write(name, "{}"), 1e6);
    assertEquals((await ask(name, { HEALTH_DIR: dir.path })).answer, true);
  }
});

Deno.test("probe() takes a heartbeat from the future for alive: a clock was set back", async () => {
  await using dir = await TempDir.make();
  await age(await dir.write("liveness", "{}"), -3600);
  const { answer, said } = await ask("liveness", { HEALTH_DIR: dir.path });
  assertEquals(answer, true);
  assertMatch(said, / 0\.0 s old/);
});

Deno.test("probe() refuses a HEARTBEAT_INTERVAL that the agent would refuse", async () => {
  await using dir = await TempDir.make();
  await dir.write("liveness", "{}");
  const env: Record<string, string> = { HEALTH_DIR: dir.path, HEARTBEAT_INTERVAL: "often" };
  await assertRejects(() => probe("liveness", (variable) => env[variable]), UsageError, "HEARTBEAT_INTERVAL");
});
