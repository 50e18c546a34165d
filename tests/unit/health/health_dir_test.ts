import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { HealthDirError } from "../../../agent/errors.ts";
import { HealthDir, isInUse } from "../../../health/health_dir.ts";
import { readStatus } from "../../../health/status.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** Names of what is in a directory, without the lock. */
function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name !== "agent.lock").sort();
}

Deno.test("HealthDir.open() makes the directory, parents included", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/a/b/health`;
  const health = await HealthDir.open(path);
  assertEquals(namesIn(path), ["status.json"]);
  await health.close();
});

Deno.test("HealthDir.open() removes what an earlier agent left, and nothing else", async () => {
  await using dir = await TempDir.make();
  for (const name of ["liveness", "readiness", "startup", "status.json", "notes"]) {
    await dir.write(name, "stale");
  }
  const health = await HealthDir.open(dir.path);
  assertEquals(namesIn(dir.path), ["notes", "status.json"]);
  assertEquals(await readStatus(dir.path), undefined, "no status of the earlier agent's");
  await health.close();
});

Deno.test("HealthDir.write() replaces a file in one step, so that nobody reads half of it", async () => {
  await using dir = await TempDir.make();
  const health = await HealthDir.open(dir.path);
  const contents = ["a", "b"].map((letter) => JSON.stringify(letter.repeat(200_000)));
  await health.write("status.json", contents[0]!);
  let isWriting = true;
  const reads = (async () => {
    let count = 0;
    while (isWriting) {
      const text = await Deno.readTextFile(`${dir.path}/status.json`);
      assert(contents.includes(text.trimEnd()), `${text.length} characters`);
      count += 1;
    }
    return count;
  })();
  for (let count = 0; count < 60; count++) await health.write("status.json", contents[count % 2]!);
  isWriting = false;
  assert(await reads > 0);
  assertEquals(namesIn(dir.path), ["status.json"], "no temporary file is left");
  await health.close();
});

Deno.test("HealthDir.write() ends a file with a line break, for people who cat it", async () => {
  await using dir = await TempDir.make();
  const health = await HealthDir.open(dir.path);
  await health.write("liveness", '{"at":1}');
  assertEquals(await Deno.readTextFile(`${dir.path}/liveness`), '{"at":1}\n');
  await health.close();
});

Deno.test("HealthDir.remove() removes a file, and minds no missing one", async () => {
  await using dir = await TempDir.make();
  const health = await HealthDir.open(dir.path);
  await health.write("readiness", "x");
  await health.remove("readiness");
  await health.remove("readiness");
  assertEquals(namesIn(dir.path), ["status.json"]);
  await health.close();
});

Deno.test("HealthDir.close() removes its files and lets the next agent in", async () => {
  await using dir = await TempDir.make();
  const first = await HealthDir.open(dir.path);
  await first.write("liveness", "x");
  await first.close();
  assertEquals(namesIn(dir.path), []);
  const second = await HealthDir.open(dir.path);
  await second.close();
});

Deno.test("HealthDir.open() refuses a path that cannot be a directory, and says what to do", async () => {
  await using dir = await TempDir.make();
  const file = await dir.write("file", "");
  for (const path of [file, `${file}/below`, "/proc/health"]) {
    const error = await assertRejects(() => HealthDir.open(path), HealthDirError);
    assertMatch(
      error.message,
      /^The health directory .* cannot be written \(.*\): mount a writable volume there/,
    );
  }
});

/** Holds a directory's lock in a process of its own, as a live agent does, until it is killed. */
const HOLDER = `
  const lock = await Deno.open(Deno.args[0] + "/agent.lock", { create: true, write: true });
  await lock.lock(true);
  console.log("locked");
  setInterval(() => {}, 1000);
`;

async function startHolder(path: string): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-write", "-", path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(HOLDER));
  await writer.close();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "locked\n");
  await reader.cancel();
  return child;
}

Deno.test("HealthDir.open() refuses a directory that a live agent uses, and takes it once that is killed", async () => {
  await using dir = await TempDir.make();
  await dir.write("liveness", "of the live agent");
  const holder = await startHolder(dir.path);
  try {
    const error = await assertRejects(() => HealthDir.open(dir.path), HealthDirError);
    assertMatch(error.message, /is used by another live agent: set HEALTH_DIR to a directory of its own/);
    assertEquals(namesIn(dir.path), ["liveness"], "the live agent's files are left alone");
    assertEquals(await isInUse(dir.path), true);
  } finally {
    holder.kill("SIGKILL");
    await holder.status;
  }
  const health = await HealthDir.open(dir.path);
  assertEquals(namesIn(dir.path), ["status.json"]);
  await health.close();
});

Deno.test("isInUse() says no where there is no directory, no lock, or a lock that nobody holds", async () => {
  await using dir = await TempDir.make();
  assertEquals(await isInUse(`${dir.path}/missing`), false);
  assertEquals(await isInUse(dir.path), false);
  await dir.write("agent.lock", "");
  assertEquals(await isInUse(dir.path), false);
  assertEquals(await isInUse(dir.path), false, "asking leaves no lock behind");
});

Deno.test("readStatus() returns nothing where there is no status, or none yet", async () => {
  await using dir = await TempDir.make();
  assertEquals(await readStatus(dir.path), undefined);
  for (const content of ["", "{}", "{", "null", "[]", '{"pid":"7"}']) {
    await dir.write("status.json", content);
    assertEquals(await readStatus(dir.path), undefined, content);
  }
  await dir.write("status.json", '{"pid":7}');
  assertEquals((await readStatus(dir.path))?.pid, 7);
});
