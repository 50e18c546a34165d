/** `top` in a pod, on a terminal, on a real cluster. Run it by `make test-k8s`. */
import { assertEquals, assertMatch } from "@std/assert";
import { TempDir } from "../support/temp_dir.ts";
import { AFTER, TMUX_IS_MISSING, TmuxTerminal } from "../support/tmux.ts";
import { Namespace } from "./namespace.ts";

const CLUSTER = { timeoutMs: 420_000 };

Deno.test({
  name: "top shows the fleet through kubectl exec, with a terminal and without, fits its size, and q ends it",
  ignore: TMUX_IS_MISSING,
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    await using namespace = await Namespace.make("top");
    await namespace.deploy({ replicas: 2 });
    const pods = await namespace.untilRolledOut();
    const once = await namespace.agent(pods[0]!, "top", "--once");
    assertEquals([once.code, once.stderr], [0, ""]);
    assertMatch(once.stdout, /^2 agents: 2 running {3}by trouble$/m);
    for (const pod of pods) assertMatch(once.stdout, new RegExp(`^${pod} +running `, "m"));

    await using folder = await TempDir.make();
    await using terminal = await TmuxTerminal.startProgram(folder.path, [
      ...namespace.kubectlWords,
      ...["exec", "-it", "deployment/pulling-agent", "--", "pulling-agent", "top"],
    ]);
    const small = await terminal.until(/^2 agents: 2 running[^]* q quits/m, CLUSTER);
    assertEquals(small.length, 24);
    await terminal.resize(130, 30);
    // At 80 columns the name of a pod is cut off.
    const wide = await terminal.until(new RegExp(`^${pods[0]} +running[^]*\n q quits`, "m"), CLUSTER);
    assertEquals(wide.length, 30);
    await terminal.press("q");
    const lines = await terminal.until(new RegExp(`${AFTER} \\d`), CLUSTER);
    assertEquals(lines.at(-1), `${AFTER} 0`);
    const [before, after] = await terminal.modes();
    assertEquals(after, before);
  },
});
