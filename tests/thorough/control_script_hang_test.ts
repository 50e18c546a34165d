import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StandIn } from "../support/kubectl_stand_in.ts";

/** Both at once: all that these tests do is wait for ten seconds that the script gives to kubectl. */
const SHELLS = ["sh", "bash"];

Deno.test("control-agent.sh names the pods whose kubectl hangs, in each shell, and waits no longer than it is told", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  await cluster.pod("hung");
  await cluster.pod("mute");
  await cluster.write("hang", "exec hung\n-exec mute\n");
  const commands = SHELLS.flatMap((shell) =>
    [["pause"], ["pause", "--method", "signal"], ["status"]].map((args) => [shell, ...args] as const)
  );
  await Promise.all(commands.map(async ([shell, ...args]) => {
    const { code, stdout, stderr } = await cluster.run(
      shell,
      "scripts/control-agent.sh",
      ...args,
      "--timeout",
      "1",
    );
    assertEquals(code, 1, shell);
    assertStringIncludes(stdout, "a-1  ");
    for (const pod of ["hung", "mute"]) {
      assertStringIncludes(
        stderr,
        `control-agent.sh: ${pod} does not answer: kubectl did not end within 10 s: `,
      );
    }
    assert(!stderr.includes("Terminated") && !stderr.includes("Killed"), `${shell}: ${stderr}`);
  }));
});

Deno.test("control-agent.sh ends in each shell although the cluster itself never answers", async () => {
  const calls = ["get pods", "get configmap", "create configmap", "rollout restart"];
  await Promise.all(SHELLS.flatMap((shell) =>
    calls.map(async (words) => {
      await using cluster = await StandIn.make();
      await cluster.write("hang", `${words}\n`);
      const command = words === "rollout restart" ? "restart" : "pause";
      const { code, stderr } = await cluster.run(
        shell,
        "scripts/control-agent.sh",
        command,
        "--timeout",
        "1",
      );
      assertEquals(code, 1, `${shell}: ${words}`);
      assertMatch(stderr, /^control-agent\.sh: .*: kubectl did not end within 10 s: the cluster, or .*\n$/);
    })
  ));
});

Deno.test("control-agent.sh does not trust the status of a frozen pod", async () => {
  await using cluster = await StandIn.make();
  const { agent } = await cluster.pod("a-1");
  await cluster.write("configmap", "resume");
  agent.signal("SIGSTOP");
  for (const method of ["configmap", "signal"]) {
    const resumed = await cluster.control("resume", "--method", method, "--timeout", "1");
    assertEquals(resumed.code, 1, resumed.stdout);
    assertMatch(
      resumed.stderr,
      /^control-agent\.sh: a-1 does not answer: The agent \(process \d+\) has not responded/,
    );
    assertStringIncludes(resumed.stderr, "1 of 1 pods did not confirm");
  }
  assertEquals((await cluster.control("status")).code, 1);
  agent.signal("SIGCONT");
  assertEquals((await cluster.control("resume", "--timeout", "60")).code, 0);
});
