import { assertEquals } from "@std/assert";

const GUARD = new URL("../../../../agent/processors/exit_guard.ts", import.meta.url).href;
const REMARKS = new URL("../../../../agent/telemetry/remarks.ts", import.meta.url).href;

/** Runs a program of which the guard is a part. */
async function run(source: string): Promise<{ code: number; stderr: string }> {
  const program =
    `import { forbidExit, leave } from "${GUARD}";\nimport { remarks } from "${REMARKS}";\nconst exit = Deno.exit;\n${source}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--ext=ts",
      "--allow-env",
      "data:application/typescript," + encodeURIComponent(program),
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

const BLAMED = "pulling-agent: PROCESSOR=module:x.js ended the process: only the agent may\n";

Deno.test("forbidExit() blames the processor for an exit that it could not refuse", async () => {
  for (const end of ["exit(0)", "exit(7)", ""]) {
    assertEquals(await run(`forbidExit("module:x.js", remarks); ${end}`), { code: 1, stderr: BLAMED }, end);
  }
});

Deno.test("forbidExit() reports nothing for a built-in processor", async () => {
  assertEquals(await run(`forbidExit("log", remarks); Deno.exit(3)`), { code: 3, stderr: "" });
});

Deno.test("leave() ends the process with its status, for any hooks", async () => {
  const hooks =
    "addEventListener('unload', () => { Deno.exitCode = 0; }); process.on('exit', () => process.exit(0));";
  for (const status of [0, 1, 2]) {
    const { code } = await run(`forbidExit("module:x.js", remarks); ${hooks} leave(${status})`);
    assertEquals(code, status);
  }
});
