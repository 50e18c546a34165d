import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CommandError } from "../../../agent/errors.ts";
import { HealthDir, isInUse, unreadable } from "../../../health/health_dir.ts";
import { readStatus } from "../../../health/status.ts";
import { waitFor } from "../../support/wait.ts";
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

Deno.test("HealthDir.write() replaces a file in one step, so that no reader gets half of it", async () => {
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
    const error = await assertRejects(() => HealthDir.open(path), CommandError);
    assertMatch(
      error.message,
      /^The health directory .* cannot be written \(.*\): mount a writable volume there/,
    );
  }
});

const SOURCE = import.meta.resolve("../../../health/health_dir.ts");
const CONFIG = new URL("../../../deno.json", import.meta.url).pathname;

/** Runs code in a process of its own, which has `open` and `isInUse` of the directory, and reads what it prints first. */
async function startProcess(path: string, code: string): Promise<{ child: Deno.ChildProcess; said: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-read", "--allow-write", "--config", CONFIG, "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`
    import { HealthDir, isInUse } from ${JSON.stringify(SOURCE)};
    const path = ${JSON.stringify(path)};
    ${code}
  `));
  await writer.close();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { child, said: new TextDecoder().decode(value).trim() };
}

Deno.test("HealthDir.open() refuses a directory that another process uses, and leaves its files alone", async () => {
  await using dir = await TempDir.make();
  const health = await HealthDir.open(dir.path);
  await health.write("liveness", "mine");
  const { child, said } = await startProcess(
    dir.path,
    `
    const used = await isInUse(path);
    const refusal = await HealthDir.open(path).then(() => "none", (error) => error.name + ": " + error.message);
    console.log(JSON.stringify({ used, refusal }));
    Deno.exit();
  `,
  );
  await child.status;
  const { refusal, used } = JSON.parse(said);
  assertEquals(used, true);
  assertMatch(
    refusal,
    /^CommandError: .* is used by another live agent: set HEALTH_DIR to a directory of its own$/,
  );
  assertEquals(namesIn(dir.path), ["liveness", "status.json"]);
  await health.close();
});

Deno.test("HealthDir.open() takes a directory over whose agent was killed", async () => {
  await using dir = await TempDir.make();
  const { child, said } = await startProcess(
    dir.path,
    `
    const health = await HealthDir.open(path);
    await health.write("liveness", "of the one that is killed");
    console.log("open");
    setInterval(() => {}, 1000);
  `,
  );
  assertEquals(said, "open");
  child.kill("SIGKILL");
  await child.status;
  const health = await HealthDir.open(dir.path);
  assertEquals(namesIn(dir.path), ["status.json"]);
  await health.close();
});

Deno.test("isInUse() is false if there is no directory, no lock, or a lock without a holder", async () => {
  await using dir = await TempDir.make();
  assertEquals(await isInUse(`${dir.path}/missing`), false);
  assertEquals(await isInUse(dir.path), false);
  await dir.write("agent.lock", "");
  assertEquals(await isInUse(dir.path), false);
  assertEquals(await isInUse(dir.path), false, "asking leaves no lock behind");
});

/** What comes of opening the directory in another process. */
async function openElsewhere(path: string): Promise<{ used: boolean; refusal: string }> {
  const { child, said } = await startProcess(
    path,
    `
    const used = await isInUse(path);
    const refusal = await HealthDir.open(path).then(() => "none", (error) => error.name + ": " + error.message);
    console.log(JSON.stringify({ used, refusal }));
    Deno.exit();
  `,
  );
  await child.status;
  return JSON.parse(said);
}

Deno.test("HealthDir.open() refuses a directory that a live agent uses, also after all that is in it was swept away", async () => {
  await using dir = await TempDir.make();
  await using health = await HealthDir.open(dir.path);
  for (const { name } of Deno.readDirSync(dir.path)) await Deno.remove(`${dir.path}/${name}`);
  const { refusal, used } = await openElsewhere(dir.path);
  assertEquals(used, true);
  assertMatch(refusal, /^CommandError: .* is used by another live agent/);
  assertEquals([...Deno.readDirSync(dir.path)], [], "who is refused leaves nothing behind");
  assertEquals(await health.keep(), true, "it is told that something was amiss");
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["agent.lock"]);
  assertEquals(await health.keep(), false);
  assertMatch((await openElsewhere(dir.path)).refusal, /is used by another live agent/);
});

Deno.test("HealthDir.keep() takes a directory that was removed, and made again or not, for its own", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/health`;
  const health = await HealthDir.open(path);
  for (const isMadeAgain of [false, true]) {
    await Deno.remove(path, { recursive: true });
    if (isMadeAgain) await Deno.mkdir(path);
    assertEquals(await health.keep(), true);
    await health.write("liveness", "{}");
    assertEquals(namesIn(path), ["liveness"]);
    assertMatch((await openElsewhere(path)).refusal, /is used by another live agent/);
  }
  await health.close();
  assertEquals((await openElsewhere(path)).refusal, "none");
});

Deno.test(
  "HealthDir.keep() leaves a directory alone that another agent took meanwhile, and has it again when that is gone",
  async () => {
    await using dir = await TempDir.make();
    const path = `${dir.path}/health`;
    const health = await HealthDir.open(path);
    await Deno.rename(path, `${dir.path}/elsewhere`);
    const { child } = await startProcess(
      path,
      `
    const health = await HealthDir.open(path);
    await health.write("liveness", "of the other");
    console.log("open");
    setInterval(() => {}, 1000);
  `,
    );
    await assertRejects(() => health.keep(), CommandError, "another live agent uses it now");
    await assertRejects(() => health.keep(), CommandError, "another live agent uses it now");
    assertEquals(await Deno.readTextFile(`${path}/liveness`), "of the other\n");
    child.kill("SIGKILL");
    await child.status;
    assertEquals(await waitFor("the directory to be free", () => health.keep()), true);
    assertEquals(await health.keep(), false);
    await health.close();
    assertEquals(namesIn(path), [], "it is ours again, so its files go with us");
  },
);

Deno.test("HealthDir.write() replaces what is left of an interrupted write, and follows no link out of the directory", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/health`;
  await using health = await HealthDir.open(path);
  await Deno.writeTextFile(`${path}/.liveness.new`, "");
  await dir.write("secret", "kept");
  await Deno.symlink(`${dir.path}/secret`, `${path}/.readiness.new`);
  await health.write("liveness", "{}");
  await health.write("readiness", "{}");
  assertEquals(namesIn(path), ["liveness", "readiness", "status.json"]);
  assertEquals(await Deno.readTextFile(`${dir.path}/secret`), "kept");
});

Deno.test("isInUse() names another user only if the directory cannot be read by this one", async () => {
  await using dir = await TempDir.make();
  const file = await dir.write("file", "");
  const error = await assertRejects(() => isInUse(file), CommandError);
  assertMatch(
    error.message,
    /^The health directory .* cannot be read \(.*\): set HEALTH_DIR to the directory of the agent$/,
  );
  // Files are read, and locks are made, by Node's functions, whose errors are others.
  const errors = [
    new Deno.errors.PermissionDenied("no"),
    Object.assign(new Error("EACCES: permission denied, open"), { code: "EACCES" }),
  ];
  for (const error of errors) {
    const { message } = unreadable("/h", error);
    assertMatch(message, /: run this as the user that the agent runs as, or set HEALTH_DIR/);
  }
});
