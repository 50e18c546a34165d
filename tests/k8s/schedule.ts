/** The schedules on a real cluster. Run it by `make test-k8s`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };

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
    ["patch", "configmap", "agent-schedule", "--patch", '{"data":{"pause.yaml":""}}'],
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
