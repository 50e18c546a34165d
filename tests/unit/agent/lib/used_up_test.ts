import { assertEquals, assertMatch } from "@std/assert";
import { filesUsedUp, usedUp } from "../../../../agent/lib/used_up.ts";

Deno.test("usedUp() tells what the system has run out of, from a code, from the runtime's text and from a cause", () => {
  const withCode = (code: string) => Object.assign(new Error(`${code}: it says so`), { code });
  assertMatch(usedUp(withCode("EMFILE"))!, /^this process has too many open files/);
  assertMatch(usedUp(withCode("ENFILE"))!, /^this machine has too many open files/);
  assertMatch(usedUp(withCode("EDQUOT"))!, /^the quota/);
  assertMatch(usedUp(new Error("No space left on device (os error 28): writefile"))!, /^no space is left/);
  assertMatch(usedUp(new Error("outer", { cause: withCode("ENOSPC") }))!, /^no space is left/);
  assertEquals([usedUp(withCode("EACCES")), usedUp(new Error("(os error 240)")), usedUp("EMFILE")], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("filesUsedUp() tells that this process can open no more files, while it cannot", async () => {
  assertEquals(filesUsedUp(), undefined);
  const module = new URL("../../../../agent/lib/used_up.ts", import.meta.url).href;
  const code = `
    import { filesUsedUp } from ${JSON.stringify(module)};
    const open = [];
    try { for (;;) open.push(Deno.openSync("/dev/null")); } catch { console.log(filesUsedUp()); }
    open.pop().close();
    console.log(filesUsedUp());`;
  const args = ["-c", 'ulimit -n 60; exec "$0" eval "$1"', Deno.execPath(), code];
  const { stdout } = await new Deno.Command("sh", { args }).output();
  const [without, withOne] = new TextDecoder().decode(stdout).split("\n");
  assertMatch(without!, /^this process has too many open files: raise its limit/);
  assertEquals(withOne, "undefined");
});
