/** Pausing and resuming on a real cluster. Run it by `make test-k8s`. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };
const STATES = ["pause", "resume"] as const;

/** The README's way to write the ConfigMap. */
async function configure(namespace: Namespace, state: string): Promise<void> {
  const made = await namespace.kubectl(
    ...["create", "configmap", "agent-control", `--from-literal=state=${state}`],
    ...["-o", "json", "--dry-run=client"],
  );
  await namespace.apply(JSON.parse(made));
}

Deno.test("the manifests deploy, all probes pass, and the commands answer in the pod", OPTIONS, async () => {
  await using namespace = await Namespace.make("deploy");
  await namespace.insert(200);
  await namespace.deploy({ replicas: 2 });
  const pods = await namespace.untilRolledOut();
  assertEquals(pods.length, 2);
  await namespace.untilProcessed(200);
  for (const pod of pods) {
    for (const probe of ["startup", "liveness", "readiness"]) {
      assertEquals((await namespace.agent(pod, "health", probe)).code, 0, probe);
    }
    assertEquals((await namespace.status(pod)).name, pod);
    assertEquals((await namespace.container(pod)).restartCount, 0);
  }
  const [pod] = pods as [string];
  const paused = await namespace.agent(pod, "pause");
  assertMatch(paused.stdout, /^paused, by signal/, paused.stderr);
  assertEquals((await namespace.agent(pod, "health", "readiness")).code, 1);
  await namespace.kubectl("wait", "--for=condition=Ready=false", `pod/${pod}`, "--timeout=120s");
  assertMatch((await namespace.agent(pod, "resume")).stdout, /^running, by signal/);
  await namespace.kubectl("wait", "--for=condition=Ready", `pod/${pod}`, "--timeout=120s");
  assertStringIncludes((await namespace.agent(pod, "status")).stdout, "control         running, by signal");
  assert((await namespace.try("exec", pod, "--", "sh", "-c", "true")).code !== 0, "there is no shell");
});

Deno.test("control-agent.sh and make k8s-pause confirm for every pod", OPTIONS, async () => {
  await using namespace = await Namespace.make("script");
  await namespace.deploy({ replicas: 3 });
  const pods = await namespace.untilRolledOut();
  for (const command of STATES) {
    for (const result of [await namespace.control(command), await namespace.make(`k8s-${command}`)]) {
      assertEquals(result.code, 0, result.stderr);
      const wanted = command === "pause" ? "paused" : "running";
      const said = new RegExp(`^3 of 3 pods are ${wanted}, after \\d+ s$`, "m").exec(result.stdout);
      assert(said, result.stdout);
      console.log(`${command}: ${said[0]}`);
      for (const pod of pods) assertEquals((await namespace.status(pod)).control.state, wanted);
    }
  }
  const signalled = await namespace.control("pause", "--method", "signal");
  assertEquals(signalled.code, 0, signalled.stderr);
  assertStringIncludes(signalled.stdout, "The ConfigMap agent-control does not say so");
  const status = await namespace.make("k8s-status");
  assertEquals(status.stdout.match(/paused by signal/g)?.length, 3, status.stdout + status.stderr);
  // Paused pods are never ready: they are replaced one by one instead of rolled out.
  assertEquals((await namespace.control("pause")).code, 0);
  const restarted = await namespace.control("restart");
  assertEquals(restarted.code, 0, restarted.stderr);
  for (const pod of await namespace.pods()) {
    assert(!pods.includes(pod));
    assertEquals((await namespace.status(pod)).control.source, "file");
  }
  assertEquals((await namespace.control("resume")).code, 0);
  assertEquals((await namespace.control("restart")).code, 0);
});

Deno.test(
  "the ConfigMap alone pauses, and applying the manifests again unpauses nobody",
  OPTIONS,
  async () => {
    await using namespace = await Namespace.make("configmap");
    await namespace.deploy();
    const [pod] = await namespace.untilRolledOut() as [string];
    for (const state of ["pause", "resume", "pause"]) {
      const from = performance.now();
      await configure(namespace, state);
      const wanted = state === "pause" ? "paused" : "running";
      await untilCluster(
        `the pod to be ${wanted}`,
        async () => (await namespace.status(pod)).control.state === wanted,
      );
      console.log(`${state} by the ConfigMap took ${((performance.now() - from) / 1000).toFixed(0)} s`);
    }
    const secret = await namespace.kubectl("get", "secret", "mongodb-secret", "-o", "jsonpath={.data}");
    // The second time with another setting, so that there is a new pod.
    await namespace.deploy();
    await namespace.deploy({ env: { LOG_LEVEL: "DEBUG" } });
    assertEquals(
      await namespace.kubectl("get", "configmap", "agent-control", "-o", "jsonpath={.data.state}"),
      "pause",
    );
    assertEquals(
      await namespace.kubectl("get", "secret", "mongodb-secret", "-o", "jsonpath={.data}"),
      secret,
    );
    const again = await namespace.try("create", "-f", "k8s/once/secret.yaml");
    assertStringIncludes(again.stderr, "already exists");
    const restarted = await untilCluster("a new pod that is paused", async () => {
      const pods = (await namespace.pods()).filter((name) => name !== pod);
      const [status] = await Promise.all(pods.map((name) => namespace.status(name).catch(() => undefined)));
      return status?.state === "paused" ? status : undefined;
    });
    assertEquals(restarted.control.source, "file");
  },
);

Deno.test("the jobs of the schedules pause and resume with rights to nothing else", OPTIONS, async () => {
  await using namespace = await Namespace.make("schedule");
  await namespace.deploy();
  const [pod] = await namespace.untilRolledOut() as [string];
  await namespace.kubectl("apply", "-f", "k8s/jobs/cronjobs-example.yaml");
  for (const [command, wanted] of [["pause", "paused"], ["resume", "running"]]) {
    await namespace.kubectl("create", "job", `--from=cronjob/agent-${command}`, `${command}-now`);
    await namespace.kubectl("wait", "--for=condition=complete", `job/${command}-now`, "--timeout=200s");
    assertEquals(
      await namespace.kubectl("get", "configmap", "agent-control", "-o", "jsonpath={.data.state}"),
      command,
    );
    await untilCluster(
      `the pod to be ${wanted}`,
      async () => (await namespace.status(pod)).control.state === wanted,
    );
  }
  const as = `--as=system:serviceaccount:${namespace.name}:agent-schedule`;
  const refused = [
    ["get", "configmap", "processor"],
    ["get", "configmaps"],
    ["create", "configmap", "other"],
    ["delete", "configmap", "agent-control"],
    ["get", "secrets"],
    ["get", "pods"],
    ["delete", "deployment", "pulling-agent"],
  ];
  for (const command of refused) {
    assertStringIncludes((await namespace.try(as, ...command)).stderr, "orbidden", command.join(" "));
  }
  // The agents themselves may do nothing at all.
  const asAgent = `--as=system:serviceaccount:${namespace.name}:pulling-agent`;
  assertStringIncludes(
    (await namespace.try(asAgent, "get", "configmap", "agent-control")).stderr,
    "orbidden",
  );
});
