import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isPrintable } from "../../agent/text/terminal_text.ts";
import { StandIn } from "../support/kubectl_stand_in.ts";

const REASONS: [title: string, says: string, reason: RegExp][] = [
  [
    "a pod without a container of that name",
    "Error from server (BadRequest): container pulling-agent is not valid for pod a-1",
    /no container pulling-agent runs in it/,
  ],
  [
    "a container that is not up",
    'error: unable to upgrade connection: container not found ("pulling-agent")',
    /no container pulling-agent runs in it/,
  ],
  [
    "another image",
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "pulling-agent": executable file not found in $PATH: unknown',
    /no program pulling-agent in its PATH/,
  ],
  ["an older image", 'pulling-agent: There is no command "status"', /its image is of another version/],
  [
    "credentials that have expired",
    "error: You must be logged in to the server (Unauthorized)",
    /credentials .* log in again/,
  ],
  [
    "a cluster out of reach",
    "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
    /the cluster cannot be reached/,
  ],
  ["a pod that has gone", 'Error from server (NotFound): pods "a-1" not found', /pods "a-1" not found/],
];
Deno.test("control-agent.sh names each reason why a pod does not answer", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  for (const [title, says, reason] of REASONS) {
    await cluster.write("fails", `exec a-1|${says}\n`);
    const { code, stderr } = await cluster.control("status");
    assertEquals(code, 1, title);
    assertMatch(
      stderr,
      /^control-agent\.sh: a-1 does not answer: .*; see kubectl describe pod a-1\n$/,
      title,
    );
    assertMatch(stderr, reason);
  }
  await cluster.remove("fails");
  await cluster.write("forbidden", "exec\n");
  for (
    const args of [["status"], ["pause", "--timeout", "0"], ["pause", "--method", "signal", "--timeout", "0"]]
  ) {
    const { code, stderr } = await cluster.control(...args);
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      "a-1 does not answer: jane lacks the right to create pods/exec in the namespace jobs",
    );
    assertStringIncludes(stderr, "--verb=create --resource=pods/exec --namespace jobs");
  }
});

Deno.test("control-agent.sh names what is wrong with the context, the namespace and the rights to restart", async () => {
  await using cluster = await StandIn.make();
  await cluster.write("no-namespace", "");
  const nowhere = await cluster.control("status", "--namespace", "nowhere");
  assertEquals(nowhere.code, 1);
  assertStringIncludes(nowhere.stderr, "there is no namespace nowhere: kubectl get namespaces");
  await cluster.write("fails", 'get|error: context "there" does not exist\n');
  const unknown = await cluster.control("pause", "--context", "there");
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.stderr, 'context "there" does not exist: kubectl config get-contexts');
  await cluster.remove("fails");
  await cluster.remove("no-namespace");
  await cluster.write("forbidden", "rollout restart\n");
  const restarted = await cluster.control("restart", "--timeout", "60");
  assertEquals(restarted.code, 1);
  assertStringIncludes(restarted.stderr, "jane lacks the right to patch deployments in the namespace jobs");
  assertStringIncludes(restarted.stderr, "--verb=patch --resource=deployments.apps ");
});

Deno.test("control-agent.sh leaves nothing behind when it is interrupted", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  await cluster.write("hang", "exec a-1\n");
  // kubectl is under way when the signal comes: the directory of its output is there, and it is gone after.
  const interrupted = await cluster.run(
    "sh",
    "-c",
    `sh scripts/control-agent.sh status & pid=$!
     until ls "$STAND_IN/tmp"/control-agent.*/a-1.raw-out >/dev/null 2>&1 || ! kill -0 $pid; do sleep 0.05; done
     kill -TERM $pid; wait $pid; echo "$? $(ls "$STAND_IN/tmp" | wc -l | tr -d ' ')"`,
  );
  assertEquals(interrupted.stdout.trim().split("\n").at(-1), "143 0", interrupted.stderr);
});

/** Colors a terminal, clears it by one byte of 8 bits, rings, and turns the order of the text around. */
const HOSTILE = "\u001b[31mred\u009b2J\u0007 \u202egnp.txt\u2066 \ufeff\r over";

Deno.test("control-agent.sh never passes on terminal commands that any call of kubectl prints", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  await cluster.write("replicas", "1");
  const assertPlain = async (what: string, said: RegExp, ...args: string[]) => {
    const { stdout, stderr } = await cluster.control(...args);
    const lines = (stdout + stderr).split("\n");
    assertMatch(stdout + stderr, said, what);
    for (const line of lines) assert(isPrintable(line), `${what}: ${JSON.stringify(line)}`);
  };
  const calls: [call: string, ...args: string[]][] = [
    ["get pods", "status"],
    ["get configmap", "status"],
    ["exec a-1", "status"],
    ["exec a-1", "pause", "--method", "signal", "--timeout", "0"],
    ["create configmap", "pause", "--timeout", "0"],
    ["rollout restart", "restart"],
    ["rollout status", "restart"],
  ];
  for (const [call, ...args] of calls) {
    await cluster.write("fails", `${call}|error: ${HOSTILE}\n`);
    await assertPlain(call, /red 2J/, ...args);
  }
  await cluster.remove("fails");
  await cluster.write("configmap", HOSTILE);
  await assertPlain("the ConfigMap", /ConfigMap agent-control: +\[31mred/, "status");
  await cluster.write("rollout", `one\nWaiting for ${HOSTILE}`);
  await assertPlain("the rollout", /one\nWaiting for +\[31mred.*over/, "restart");
  await assertPlain("an argument", /there is no command +\[31mred/, HOSTILE);
});

for (const shell of ["sh", "bash"]) {
  Deno.test(`control-agent.sh says nothing when a signal ends it and all that it runs, in ${shell}`, async () => {
    await using cluster = await StandIn.make();
    await cluster.pod("a-1");
    await cluster.write("pods/a-1/stale", "");
    // The signal comes while it sleeps between two rounds, and ends the sleep as well.
    const { stdout, stderr } = await cluster.run(
      "sh",
      "-c",
      `setsid ${shell} scripts/control-agent.sh pause --timeout 20 & pid=$!
       until grep -qs "(sleep) . $pid " /proc/[0-9]*/stat; do :; done
       kill -TERM -$pid; wait $pid; echo "$?"`,
    );
    assertEquals([stdout, stderr], ["143\n", ""]);
  });
}
