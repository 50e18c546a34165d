import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { insertEntry } from "../support/fleet_entries.ts";
import { StandIn } from "../support/kubectl_stand_in.ts";
import { testDatabase } from "../support/mongod.ts";
import { TempDir } from "../support/temp_dir.ts";

const OPTIONS = ["--timeout", "60"];
const PATH = Deno.env.get("PATH")!;

Deno.test("control-agent.sh pauses and resumes every pod by the ConfigMap, and creates it if it is missing", async () => {
  await using cluster = await StandIn.make();
  const pods = [await cluster.pod("a-1"), await cluster.pod("a-2")];

  const paused = await cluster.control("pause", ...OPTIONS);
  assertEquals(paused.code, 0, paused.stderr);
  assertMatch(
    paused.stdout,
    /^a-1 {2}paused, by file, since .*\na-2 {2}paused, by file, .*\n2 of 2 pods are paused, after \d+ s\n$/,
  );
  for (const { agent } of pods) assertEquals((await agent.status()).state, "paused");
  assertEquals(await cluster.read("configmap"), "pause");

  const resumed = await cluster.control("resume", ...OPTIONS);
  assertEquals(resumed.code, 0, resumed.stderr);
  assertStringIncludes(resumed.stdout, "2 of 2 pods are running");
  for (const { agent } of pods) assertEquals((await agent.status()).control.source, "file");
});

Deno.test("control-agent.sh by signal leaves the ConfigMap alone, and warns if the ConfigMap asks for the opposite", async () => {
  await using cluster = await StandIn.make();
  const { agent } = await cluster.pod("a-1");
  await cluster.write("configmap", "resume");
  const { code, stdout, stderr } = await cluster.control("pause", "--method", "signal", ...OPTIONS);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "paused, by signal");
  assertStringIncludes(stdout, "The ConfigMap agent-control does not say so");
  assertEquals([(await agent.status()).state, await cluster.read("configmap")], ["paused", "resume"]);

  const resumed = await cluster.control("resume", "--method=signal", ...OPTIONS);
  assertEquals(resumed.code, 0, resumed.stderr);
  assert(!resumed.stdout.includes("does not say so"), resumed.stdout);
});

Deno.test("control-agent.sh reaches pods that a signal has switched since the file asked for the same", async () => {
  await using cluster = await StandIn.make();
  const { agent } = await cluster.pod("a-1");
  assertEquals((await cluster.control("pause", ...OPTIONS)).code, 0);
  assertEquals((await cluster.control("resume", "--method", "signal", ...OPTIONS)).code, 0);
  assertEquals((await agent.status()).state, "running");
  const again = await cluster.control("pause", ...OPTIONS);
  assertEquals(again.code, 0, again.stderr);
  assertEquals((await agent.status()).state, "paused");
});

Deno.test("control-agent.sh names the pods that do not confirm, and why they may not", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("deaf");
  await cluster.pod("fine");
  const { agent } = await cluster.pod("gone");
  await cluster.write("pods/deaf/stale", "");
  await agent.kill9();
  const { code, stdout, stderr } = await cluster.control("pause", "--timeout", "0");
  assertEquals(code, 1);
  assertMatch(stderr, /^control-agent\.sh: deaf is running: .*--method signal\n/);
  assertMatch(
    stderr,
    /\ncontrol-agent\.sh: gone does not answer: No agent uses the health directory .*; see kubectl describe pod gone\n/,
  );
  assertMatch(stderr, /\ncontrol-agent\.sh: [23] of 3 pods did not confirm within 0 s\n$/);
  assert(!stdout.includes("deaf"), stdout);
});

Deno.test("control-agent.sh tells what the cluster refuses, and does not need the right to annotate", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  await cluster.write("configmap", "resume");
  await cluster.write("forbidden", "patch configmap\nannotate pods\n");
  const refused = await cluster.control("pause", "--timeout", "0");
  assertEquals(refused.code, 1);
  assertEquals(
    refused.stderr,
    "control-agent.sh: the ConfigMap agent-control cannot be written: jane lacks the right to patch configmaps in the " +
      "namespace jobs. Have it granted: kubectl create role agent-control-patch-configmaps --verb=patch " +
      "--resource=configmaps --namespace jobs && kubectl create rolebinding agent-control-patch-configmaps " +
      "--role=agent-control-patch-configmaps --user=jane --namespace jobs. Or use --method signal\n",
  );

  // The file says so already, so the pods are told directly.
  await cluster.write("configmap", "pause");
  await cluster.write("forbidden", "annotate pods\n");
  const paused = await cluster.control("pause", ...OPTIONS);
  assertEquals(paused.code, 0, paused.stderr);

  await cluster.write("forbidden", "get pods\n");
  const blind = await cluster.control("pause", ...OPTIONS);
  assertEquals(blind.code, 1);
  assertStringIncludes(blind.stderr, "the pods cannot be listed: jane lacks the right to list pods");
});

Deno.test("control-agent.sh status shows the switch and every pod, and fails if a pod does not answer", async () => {
  await using cluster = await StandIn.make();
  const empty = await cluster.control("status");
  assertEquals([empty.code, empty.stdout], [
    0,
    "ConfigMap agent-control: missing, agents start running\nRunning pods: 0\n",
  ]);
  const { agent } = await cluster.pod("a-1");
  await cluster.write("configmap", "");
  const fine = await cluster.control("status");
  assertEquals(fine.code, 0, fine.stderr);
  assertMatch(
    fine.stdout,
    /^ConfigMap agent-control: without state, .*\na-1 {2}running \(running by \w+, since .*\), not ready, MongoDB out of reach, 0 documents held, 0 processed\nRunning pods: 1\n$/,
  );
  await agent.kill9();
  const silent = await cluster.control("status");
  assertEquals(silent.code, 1);
  assertStringIncludes(silent.stderr, "a-1 does not answer");
});

Deno.test("control-agent.sh status shows the fleet as a pod sees it that reaches MongoDB, and why it cannot", async () => {
  await using db = await testDatabase("control script");
  await using cluster = await StandIn.make();
  const { agent } = await cluster.pod("a-1", "pods", db);
  await agent.untilStatus("MongoDB", ({ connected }) => connected);
  await insertEntry(db, "documents_agents", { name: "another-cluster", held: 7 });
  const { code, stdout, stderr } = await cluster.control("status");
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /\nRunning pods: 1\nThe fleet of \S+\.documents has \d agents?: /);
  assertMatch(stdout, /\nanother-cluster +running +7 /);
  await cluster.write(
    "fails",
    "exec a-1 -c pulling-agent -- pulling-agent status --fleet|pulling-agent: status knows no --fleet\n",
  );
  const older = await cluster.control("status");
  assertEquals(older.code, 0, older.stderr);
  assertStringIncludes(
    older.stdout,
    "\nThe fleet's own view is not there: its image is of another version (",
  );
});

Deno.test("control-agent.sh restart rolls out, but replaces paused pods, which are never ready", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  await cluster.write("replicas", "1");
  const rolled = await cluster.control("restart", ...OPTIONS);
  assertEquals(rolled.code, 0, rolled.stderr);
  assert((await cluster.calls()).includes("rollout restart deployment/pulling-agent"));

  await cluster.write("stuck", "");
  const stuck = await cluster.control("restart", ...OPTIONS);
  assertEquals(stuck.code, 1);
  assertStringIncludes(stuck.stderr, "a-1 is not ready");
  assertStringIncludes(stuck.stderr, "the old pods go on");

  assertEquals((await cluster.control("pause", ...OPTIONS)).code, 0);
  await cluster.pod("a-1", "spare");
  const replaced = await cluster.control("restart", ...OPTIONS);
  assertEquals(replaced.code, 0, replaced.stderr);
  assertStringIncludes(replaced.stdout, "1 of 1 pods were replaced");
});

Deno.test("control-agent.sh without any pod still writes the ConfigMap", async () => {
  await using cluster = await StandIn.make();
  const { code, stdout } = await cluster.control("pause", ...OPTIONS);
  assertEquals(code, 0);
  assertEquals(stdout, "No pod runs here; those that start go by the ConfigMap agent-control: pause\n");
});

Deno.test("control-agent.sh refuses what it does not understand, in one sentence", async () => {
  await using cluster = await StandIn.make();
  const cases: [string[], string][] = [
    [[], "give pause, resume, status or restart"],
    [["stop"], "there is no command stop"],
    [["pause", "resume"], "give one command, not pause and resume"],
    [["pause", "--method", "magic"], "there is no method magic"],
    [["pause", "--timeout", "soon"], "--timeout soon is not a whole number of seconds"],
    [["pause", "--timeout", "99999999999999999999"], "is not a whole number of seconds"],
    [["pause", "--timeout"], "--timeout needs a value"],
    [["pause", "--force"], "there is no option --force"],
  ];
  for (const [args, said] of cases) {
    const { code, stdout, stderr } = await cluster.control(...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, /^control-agent\.sh: .*\n$/);
    assertStringIncludes(stderr, said);
  }
  const help = await cluster.control("--help");
  assertEquals(help.code, 0);
  assertStringIncludes(help.stdout, "--method METHOD");
});

/** Ways to have a sed without the extensions of GNU's, as on a Mac. */
const PLAIN_SEDS = ["sed --posix", "busybox sed"];

for (const sed of PLAIN_SEDS) {
  const { success } = await new Deno.Command("sh", { args: ["-c", `${sed} '' </dev/null 2>/dev/null`] })
    .output();
  Deno.test({
    name: `control-agent.sh says how it is used with nothing but ${sed}`,
    ignore: !success,
    fn: async () => {
      await using dir = await TempDir.make();
      const plain = await dir.write("sed", `#!/bin/sh\nPATH=\${PATH#*:}\nexec ${sed} "$@"\n`);
      await Deno.chmod(plain, 0o755);
      const help = async (path: string) =>
        await new Deno.Command("sh", {
          args: ["scripts/control-agent.sh", "--help"],
          env: { PATH: path },
        }).output();
      const [usual, said] = [await help(PATH), await help(`${dir.path}:${PATH}`)];
      const text = new TextDecoder().decode(said.stdout);
      assertMatch(text, /^Pauses, resumes.*\n\n {2}scripts\/control-agent.sh pause\|resume/);
      assertMatch(text, /KUBECTL names another kubectl\.\n$/);
      assertEquals(text, new TextDecoder().decode(usual.stdout));
    },
  });
}

Deno.test("make k8s-pause, k8s-resume and k8s-status are the script, with the namespace and context that are given", async () => {
  await using cluster = await StandIn.make();
  await cluster.pod("a-1");
  const paused = await cluster.run("make", "k8s-pause", "NAMESPACE=jobs", "CONTEXT=there", "TIMEOUT=60");
  assertEquals(paused.code, 0, paused.stderr);
  assertStringIncludes(paused.stdout, "1 of 1 pods are paused");
  assertStringIncludes((await cluster.run("make", "k8s-status")).stdout, "a-1  paused");
  const resumed = await cluster.run("make", "k8s-resume", "METHOD=signal", "TIMEOUT=60");
  assertEquals(resumed.code, 0, resumed.stderr);
  assertStringIncludes(resumed.stdout, "running, by signal");
});
