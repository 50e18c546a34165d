import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { NotAFileError, readFileNow, readFileOnce } from "../../../../agent/lib/read_file.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const LIMIT = { maxBytes: 100, pipeWaitMs: 5000 };

async function pipeIn(dir: TempDir): Promise<string> {
  const path = `${dir.path}/pipe`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  return path;
}

/** Opens a pipe and writes into it, as another program does. */
function writer(path: string, script: string): Deno.ChildProcess {
  return new Deno.Command("sh", { args: ["-c", script, "sh", path] }).spawn();
}

Deno.test("readFileOnce() reads a file up to its limit", async () => {
  await using dir = await TempDir.make();
  const path = await dir.write("file", "abcdef");
  assertEquals(readFileOnce(path, LIMIT), "abcdef");
  assertEquals(readFileOnce(path, { maxBytes: 3 }), "abc");
  const long = await dir.write("long", "x".repeat(200_000));
  assertEquals(readFileOnce(long, { maxBytes: 1e9 }).length, 200_000);
});

Deno.test("readFileOnce() waits for the writer of a pipe, and reads all that it writes", async () => {
  await using dir = await TempDir.make();
  const path = await pipeIn(dir);
  const child = writer(path, '{ printf mongodb://; sleep 0.1; printf host; } >"$1"');
  assertEquals(readFileOnce(path, LIMIT), "mongodb://host");
  assertEquals((await child.status).code, 0);
});

Deno.test("readFileOnce() gives a pipe up that nothing writes to, or whose writer does not end", async () => {
  await using dir = await TempDir.make();
  const path = await pipeIn(dir);
  const brief = { maxBytes: 100, pipeWaitMs: 50 };
  assertThrows(() => readFileOnce(path, brief), NotAFileError, "it is a pipe that nothing writes to");
  assertThrows(() => readFileOnce(path, { maxBytes: 100 }), NotAFileError, "it is not a file");
  // It holds both ends: there is a writer, which never closes.
  using both = await Deno.open(path, { read: true, write: true });
  await both.write(new TextEncoder().encode("mongodb://"));
  assertThrows(() => readFileOnce(path, brief), NotAFileError, "its writer does not close");
});

Deno.test("readFileOnce() and readFileNow() refuse what is not a file", async () => {
  assertThrows(() => readFileOnce("/dev/zero", LIMIT), NotAFileError, "it is not a file");
  assertThrows(() => readFileOnce("/tmp", LIMIT), NotAFileError, "it is a directory");
  await assertRejects(() => readFileNow("/dev/zero", 100), NotAFileError, "it is not a file");
  await assertRejects(() => readFileNow("/tmp", 100), NotAFileError, "it is not a file");
});
