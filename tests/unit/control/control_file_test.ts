import { assert, assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../../agent/lib/clock.ts";
import { ControlFile } from "../../../control/control_file.ts";
import { type FileCommand, Followed } from "../../support/followed_file.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { waitFor } from "../../support/wait.ts";

Deno.test("ControlFile reports at the start what the file asks for", async () => {
  await using dir = await TempDir.make();
  for (
    const [content, command] of [
      ["pause", "pause"],
      ["resume\n", "resume"],
      [" PAUSE \r\n", "pause"],
      ["Resume", "resume"],
    ] as const
  ) {
    await using followed = await Followed.start(await dir.write("state", content));
    assertEquals(followed.commands, [command]);
    assertEquals(followed.problems, []);
  }
});

Deno.test("ControlFile follows changes of a plain file, and reports each change once", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("state", "pause");
  await using followed = await Followed.start(path);
  await dir.write("state", "pause\n");
  await dir.write("state", "resume");
  await followed.seesCommands("pause", "resume");
  await dir.write("state", "pause");
  await followed.seesCommands("pause", "resume", "pause");
});

Deno.test("ControlFile follows a file that is replaced by renaming another over it", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("state", "resume");
  await using followed = await Followed.start(path);
  await Deno.rename(await dir.write(".state.new", "pause"), path);
  await followed.seesCommands("resume", "pause");
});

Deno.test("ControlFile does not report a file that is empty only until it is written", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("state", "resume");
  await using followed = await Followed.start(path);
  const expected: FileCommand[] = ["resume"];
  for (const command of ["pause", "resume", "pause", "resume"] as const) {
    using file = await Deno.open(path, { write: true, truncate: true });
    await file.write(new TextEncoder().encode(command));
    expected.push(command);
    await followed.seesCommands(...expected);
  }
  assertEquals(followed.problems, []);
});

/** Writes a version of a ConfigMap as kubelet does: a directory of its own, then `..data` swapped to it in one step. */
async function mountVersion(dir: string, version: string, content: string): Promise<void> {
  await Deno.mkdir(`${dir}/..${version}`);
  await Deno.writeTextFile(`${dir}/..${version}/state`, content);
  await Deno.symlink(`..${version}`, `${dir}/..data_tmp`);
  await Deno.rename(`${dir}/..data_tmp`, `${dir}/..data`);
}

Deno.test("ControlFile follows a ConfigMap, whose file is a link that never changes itself", async () => {
  await using dir = await TempDir.make();
  await mountVersion(dir.path, "v1", "resume");
  await Deno.symlink("..data/state", `${dir.path}/state`);
  await using followed = await Followed.start(`${dir.path}/state`);
  await mountVersion(dir.path, "v2", "pause");
  await Deno.remove(`${dir.path}/..v1`, { recursive: true });
  await followed.seesCommands("resume", "pause");
  await mountVersion(dir.path, "v3", "resume");
  await Deno.remove(`${dir.path}/..v2`, { recursive: true });
  await followed.seesCommands("resume", "pause", "resume");
  assertEquals(followed.problems, []);
});

Deno.test("ControlFile keeps the state if the file is missing, and follows the file once it exists", async () => {
  await using dir = await TempDir.make();
  await using followed = await Followed.start(`${dir.path}/state`);
  assertEquals([followed.commands, followed.problems], [[], []]);
  await dir.write("state", "pause");
  await followed.seesCommands("pause");
  await Deno.remove(`${dir.path}/state`);
  await dir.write("state", "resume");
  await followed.seesCommands("pause", "resume");
});

Deno.test("ControlFile says once that the file is missing", async () => {
  await using dir = await TempDir.make();
  await using followed = await Followed.start(`${dir.path}/state`);
  await followed.seesProblem(
    /^There is no control file .*: signals and commands pause and resume, and the agent stays as it is$/,
  );
  await dir.write("state", "pause");
  await followed.seesCommands("pause");
  assertEquals(followed.problems.length, 1);
});

Deno.test("ControlFile follows a directory that appears late, vanishes and comes back", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/control/state`;
  await using followed = await Followed.start(path);
  await Deno.mkdir(`${dir.path}/control`);
  await Deno.writeTextFile(path, "pause");
  await followed.seesCommands("pause");
  await Deno.remove(`${dir.path}/control`, { recursive: true });
  await Deno.mkdir(`${dir.path}/control`);
  await Deno.writeTextFile(path, "resume");
  await followed.seesCommands("pause", "resume");
  assertEquals(followed.problems, []);
});

Deno.test("ControlFile keeps the state on unknown content and says so once", async () => {
  await using dir = await TempDir.make();
  await using followed = await Followed.start(await dir.write("state", "pause"));
  await dir.write("state", "stop it");
  await followed.seesProblem(/says "stop it": write pause or resume into it; the agent stays as it is$/);
  await dir.write("state", "stop it\n");
  await dir.write("state", "resume");
  await followed.seesCommands("pause", "resume");
  assertEquals(followed.problems.filter((each) => each.includes("stop it")).length, 1);
});

Deno.test("ControlFile warns again if the same wrong content comes back after good content", async () => {
  await using dir = await TempDir.make();
  await using followed = await Followed.start(await dir.write("state", "nonsense"));
  assertEquals(followed.problems.length, 1);
  await dir.write("state", "pause");
  await followed.seesCommands("pause");
  await dir.write("state", "nonsense");
  await waitFor(
    "the second complaint",
    () => followed.problems.filter((each) => /nonsense/.test(each)).length === 2,
  );
});

for (
  const [name, content, says] of [
    ["an empty file", "", /is empty: write pause or resume into it/],
    ["blanks alone", " \n\t", /is empty/],
    ["a huge file", "x".repeat(3_000_000), /says "x{40}"/],
    ["a huge file that begins with a command", "pause\n" + "x".repeat(3_000_000), /says "pause\\nx+"/],
    ["binary data", new Uint8Array([0, 255, 254, 7]), /says "/],
    ["two commands", "pause\nresume", /says "pause\\nresume"/],
  ] as const
) {
  Deno.test(`ControlFile keeps the state if it finds ${name}, and warns once`, async () => {
    await using dir = await TempDir.make();
    await using followed = await Followed.start(await dir.write("state", content));
    assertEquals(followed.commands, []);
    assertEquals(followed.problems.length, 1);
    assertMatch(followed.problems[0]!, says);
    assert(followed.problems[0]!.startsWith(`The control file ${dir.path}/state `));
    // A later command proves that the file was read again, and the problem not told again.
    await dir.write("state", "pause");
    await followed.seesCommands("pause");
    assert(followed.problems.filter((each) => says.test(each)).length === 1);
  });
}

Deno.test("ControlFile says once that it cannot read a pipe, a directory or a link to itself, and is not held up", async () => {
  await using dir = await TempDir.make();
  const { success } = await new Deno.Command("mkfifo", { args: [`${dir.path}/pipe`] }).output();
  assert(success);
  await Deno.mkdir(`${dir.path}/folder`);
  await Deno.symlink("loop", `${dir.path}/loop`);
  for (
    const [name, why] of [["pipe", /it is not a file/], ["folder", /it is not a file/], [
      "loop",
      /link/,
    ]] as const
  ) {
    await using followed = await Followed.start(`${dir.path}/${name}`);
    assertEquals(followed.commands, []);
    assertEquals(followed.problems.length, 1);
    assertMatch(followed.problems[0]!, /cannot be read: /);
    assertMatch(followed.problems[0]!, why);
  }
});

Deno.test("ControlFile sees a change that leaves size and time as they were", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("state", "pause\n");
  const { atime, mtime } = await Deno.stat(path);
  await using followed = await Followed.start(path);
  await dir.write("state", "resume");
  await Deno.utime(path, atime!, mtime!);
  await followed.seesCommands("pause", "resume");
});

Deno.test("ControlFile, disposed of, leaves nothing behind, even before the first look is over", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("state", "pause");
  const commands: FileCommand[] = [];
  for (let count = 0; count < 20; count++) {
    const file = new ControlFile({
      clock: systemClock,
      path,
      gate: { pause: () => commands.push("pause"), resume: () => commands.push("resume") },
      log: { warn() {}, info() {} },
    });
    const started = file.start();
    if (count % 2 === 0) await started;
    await file[Symbol.asyncDispose]();
    await started;
  }
  assertEquals(commands.length, 10);
});

Deno.test("ControlFile goes on after a command that could not be carried out, warns once, and repeats the command", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("state", "pause");
  const told: FileCommand[] = [];
  const problems: string[] = [];
  const file = new ControlFile({
    clock: systemClock,
    path,
    gate: {
      pause() {
        told.push("pause");
        if (told.length < 3) throw new Error("a listener broke");
      },
      resume: () => told.push("resume"),
    },
    log: { warn: (message) => problems.push(message), info() {} },
  });
  await file.start();
  try {
    await waitFor("it to be told until it is carried out", () => told.length === 3);
    assertEquals(told, ["pause", "pause", "pause"]);
    await Deno.writeTextFile(path, "resume");
    await waitFor("the next command", () => told.at(-1) === "resume");
    assertEquals(problems.length, 1);
    assertMatch(problems[0]!, /cannot be followed: a listener broke/);
  } finally {
    await file[Symbol.asyncDispose]();
  }
});
