import { assertEquals } from "@std/assert";
import { integerFrom, rounds, seededRandom } from "../../support/random.ts";
import { reachable, ReporterSetup } from "../../support/reporter_setup.ts";
import { waitFor } from "../../support/wait.ts";

async function isFile(path: string): Promise<boolean> {
  return (await Deno.lstat(path)).isFile;
}

/** Makes a directory in the place of a file, which may exist again already. */
async function makeDirectory(path: string): Promise<boolean> {
  await Deno.remove(path).catch(() => {});
  await Deno.mkdir(path);
  return true;
}

Deno.test("HealthReporter leaves the files as the last state wants them, however close changes come", async () => {
  for (let seed = 1; seed <= rounds(8); seed++) {
    const random = seededRandom(seed);
    // An hour: no heartbeat comes to the help of what a change has left.
    await using s = await ReporterSetup.make({ heartbeatMs: 3_600_000, readyWhilePaused: seed % 5 === 0 });
    s.enter("running");
    s.emit(reachable(true));
    for (let change = 0; change < 12; change++) {
      const what = integerFrom(random, 0, 3);
      if (what === 0) s.emit(reachable(random() < 0.5));
      else s.pause(random() < 0.5);
      // Within a write, most of which take as long as a look at a file or two; or a few milliseconds later.
      for (let looks = integerFrom(random, 0, 6); looks > 0; looks--) await s.has("readiness");
      if (random() < 0.2) {
        await new Promise((resolve) => setTimeout(resolve, integerFrom(random, 0, 3)));
      }
    }
    const last = random() < 0.5;
    s.pause(!last);
    for (let looks = integerFrom(random, 0, 6); looks > 0; looks--) await s.has("readiness");
    s.pause(last);
    s.emit(reachable(true));
    const status = await s.atRest();
    assertEquals([status.state, status.control.state], last ? ["paused", "paused"] : ["running", "running"]);
    assertEquals(status.ready, !last || seed % 5 === 0, `seed ${seed}`);
    assertEquals(await s.has("readiness"), status.ready, `seed ${seed}`);
  }
});

Deno.test("HealthReporter shows in every status the readiness that its file had in the same moment", async () => {
  await using s = await ReporterSetup.make({ heartbeatMs: 3_600_000 });
  s.emit(reachable(true));
  const write = s.directory.write.bind(s.directory);
  let isReadyOnDisk = false;
  const seen: [ready: boolean, onDisk: boolean][] = [];
  s.directory.write = async (file, content) => {
    await write(file, content);
    if (file === "status.json") {
      seen.push([JSON.parse(content).ready, isReadyOnDisk = await s.has("readiness")]);
    }
    // What changes while a file is written is what the next pass is for.
    if (seen.length < 20) s.pause(seen.length % 2 === 0);
  };
  s.enter("running");
  await waitFor("twenty states", () => seen.length >= 20);
  await s.atRest();
  assertEquals(seen.filter(([ready, onDisk]) => ready !== onDisk), []);
  assertEquals(await s.has("readiness"), isReadyOnDisk);
});

for (const file of ["liveness", "readiness", "startup", "status.json", "agent.lock"]) {
  Deno.test(`HealthReporter brings ${file} back after a sweeper has removed it`, async () => {
    await using s = await ReporterSetup.ready();
    await Deno.remove(`${s.path}/${file}`);
    await waitFor(`${file} to be back`, () => s.has(file));
    assertEquals(s.problems, []);
  });
}

Deno.test("HealthReporter brings the whole directory back, once it can, and says once that it could not", async () => {
  await using s = await ReporterSetup.ready();
  await s.removeDirectory();
  for (const file of ["liveness", "readiness", "startup", "status.json", "agent.lock"]) {
    await waitFor(`${file} to be back`, () => s.has(file));
  }
  assertEquals(s.problems, []);
  await Deno.writeTextFile(`${s.path}.new`, "");
  await waitFor("a file in its place", async () => {
    await s.removeDirectory();
    await Deno.rename(`${s.path}.new`, s.path);
    return true;
  });
  await waitFor("a problem", () => s.problems.length > 0);
  await Deno.remove(s.path);
  await waitFor("readiness to be back", () => s.has("readiness"));
  await waitFor("it to be said", () => s.mended.length > 0);
  assertEquals(s.problems.length, 1, s.problems.join("\n"));
});

Deno.test("HealthReporter puts its files in the place of empty directories, and tells once of one that holds something", async () => {
  await using s = await ReporterSetup.ready();
  for (const file of ["readiness", "startup"]) {
    await Deno.remove(`${s.path}/${file}`);
    await waitFor(`a directory ${file}`, () => makeDirectory(`${s.path}/${file}`));
    await waitFor(`${file} to be a file again`, () => isFile(`${s.path}/${file}`));
  }
  assertEquals(s.problems, []);
  const full = await Deno.makeTempDir();
  await Deno.writeTextFile(`${full}/notes`, "");
  await Deno.mkdir(`${s.path}/kept`);
  await Deno.rename(full, `${s.path}/kept/full`);
  await Deno.remove(`${s.path}/startup`);
  await waitFor("a full directory in the place of a file", async () => {
    await Deno.remove(`${s.path}/startup`).catch(() => {});
    await Deno.rename(`${s.path}/kept/full`, `${s.path}/startup`);
    return true;
  });
  await waitFor("a problem", () => s.problems.length > 0);
  await s.beats(3);
  assertEquals(s.problems.length, 1, s.problems.join("\n"));
  assertEquals([...Deno.readDirSync(`${s.path}/startup`)].map(({ name }) => name), ["notes"]);
});

Deno.test("HealthReporter goes on with its files after a pass that failed", async () => {
  await using s = await ReporterSetup.ready();
  const { promise: told, resolve: tell } = Promise.withResolvers<unknown>();
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    tell(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", listener);
  const push = s.problems.push.bind(s.problems);
  s.problems.push = () => {
    throw new Error("the log is broken");
  };
  const { write } = s.directory;
  s.directory.write = () => Promise.reject(new Error("the disk is broken"));
  try {
    assertEquals(String(await told), "Error: the log is broken");
  } finally {
    globalThis.removeEventListener("unhandledrejection", listener);
  }
  s.directory.write = write;
  s.problems.push = push;
  await s.beats(2);
});

Deno.test("HealthReporter tells once of a state that it cannot read, and goes on when it can", async () => {
  await using s = await ReporterSetup.ready();
  const { since } = s.control;
  s.control.since = undefined as unknown as Date;
  await waitFor("a problem", () => s.problems.length > 0);
  s.control.since = since;
  await waitFor("it to be said", () => s.mended.length > 0);
  await s.beats(2);
  assertEquals(s.problems.length, 1, s.problems.join("\n"));
});
