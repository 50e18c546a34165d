import { assertEquals, assertStringIncludes } from "@std/assert";
import { agentBinary } from "../support/agent_home.ts";
import { isMissing, MOUNT_NAMESPACE } from "../support/optional.ts";

const GUIDE = await Deno.readTextFile(new URL("../../docs/image.md", import.meta.url));

/** Runs `--version` of the executable in a shell that has prepared the system for it. */
async function versionAfter(prepare: string, ...wrapper: string[]) {
  const [program, ...args] = [...wrapper, "sh", "-c", `${prepare} && "$0" --version`, agentBinary()];
  const { code, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** What is seen is what docs/image.md says, for those who search for it. */
function assertAsInGuide(seen: { code: number; output: string }, symptom: string, code: number): void {
  assertStringIncludes(seen.output, symptom);
  assertEquals(seen.code, code);
  assertStringIncludes(GUIDE, `\`${symptom}\`, exit status ${code} `);
}

Deno.test("docs/image.md: an executable with too few addresses ends as it says, and one with 64 GiB works", async () => {
  const few = await versionAfter("ulimit -v 16777216");
  assertAsInGuide(few, "Fatal process out of memory: Oilpan: CagedHeap reservation.", 133);
  assertEquals((await versionAfter("ulimit -v 67108864")).code, 0);
});

Deno.test("docs/image.md: an executable with too little data ends as it says, and one with 1 GiB works", async () => {
  const few = await versionAfter("ulimit -d 262144");
  assertAsInGuide(few, "Fatal process out of memory: Failed to reserve virtual memory for CodeRange", 133);
  assertEquals((await versionAfter("ulimit -d 1048576")).code, 0);
});

Deno.test({
  name: "docs/image.md: an executable without /proc ends as it says",
  ignore: await isMissing(MOUNT_NAMESPACE),
  fn: async () => {
    const seen = await versionAfter("mount -t tmpfs none /proc", "unshare", "--mount");
    assertAsInGuide(seen, "no /proc/self/exe available. Is /proc mounted?", 1);
  },
});
