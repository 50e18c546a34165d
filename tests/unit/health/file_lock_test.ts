import { assertEquals } from "@std/assert";
import { takeLock } from "../../../health/file_lock.ts";
import { TempDir } from "../../support/temp_dir.ts";

const SOURCE = import.meta.resolve("../../../health/file_lock.ts");
const OPTIONS = { create: true, write: true };

/** Runtimes that the agent is compiled with or run by, and one that can only wait. */
const RUNTIMES = [
  { name: "this Deno", program: Deno.execPath(), before: "" },
  {
    name: "a Deno without tryLock()",
    program: Deno.execPath(),
    before: "delete Deno.FsFile.prototype.tryLock;",
  },
  { name: "the Deno that compiles", program: Deno.env.get("DENO_COMPILER") ?? Deno.execPath(), before: "" },
];

for (const { name, program, before } of RUNTIMES) {
  Deno.test(`takeLock() gives up a lock that is held, and never takes it later, in ${name}`, async () => {
    await using dir = await TempDir.make();
    const path = `${dir.path}/lock`;
    const holder = await Deno.open(path, OPTIONS);
    assertEquals(await takeLock(holder, { isExclusive: true, waitMs: 0 }), true);
    const other = new Deno.Command(program, {
      args: ["run", "--no-check", "--no-lock", "--no-config", "--allow-read", "--allow-write", "-"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const [writer, reader] = [other.stdin.getWriter(), other.stdout.getReader()];
    const read = async () => new TextDecoder().decode((await reader.read()).value).trim();
    await writer.write(new TextEncoder().encode(`
      ${before}
      import { takeLock } from ${JSON.stringify(SOURCE)};
      const path = ${JSON.stringify(path)};
      const isClosed = (file) => { try { file.statSync(); return false; } catch { return true; } };
      const file = await Deno.open(path, { write: true });
      const isTaken = await takeLock(file, { isExclusive: true, waitMs: 50 });
      console.log(isTaken, isClosed(file));
      // It goes on living, as an agent does.
      setInterval(() => {}, 10);
    `));
    await writer.close();
    assertEquals(await read(), "false true");
    holder.close();
    using next = await Deno.open(path, OPTIONS);
    assertEquals(await takeLock(next, { isExclusive: true, waitMs: 15_000 }), true);
    other.kill("SIGKILL");
    await other.status;
    await reader.cancel();
  });
}

Deno.test("takeLock() takes a lock as soon as its holder gives it back", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/lock`;
  const [holder, next] = [await Deno.open(path, OPTIONS), await Deno.open(path, OPTIONS)];
  assertEquals(await takeLock(holder, { isExclusive: true, waitMs: 0 }), true);
  const taking = takeLock(next, { isExclusive: true, waitMs: 15_000 });
  holder.close();
  assertEquals(await taking, true);
  next.close();
});

Deno.test("takeLock() lets all who ask for a shared lock have it", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/lock`;
  const files = [await Deno.open(path, OPTIONS), await Deno.open(path, { read: true })];
  for (const file of files) assertEquals(await takeLock(file, { isExclusive: false, waitMs: 0 }), true);
  for (const file of files) file.close();
});
