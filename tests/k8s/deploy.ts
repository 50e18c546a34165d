/** The manifests as they are applied on a real cluster. Run it by `make test-k8s`. */
import { assert, assertEquals, assertGreaterOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };

Deno.test("the manifests deploy, all probes pass, and the commands answer in the pod", OPTIONS, async () => {
  await using namespace = await Namespace.make("deploy");
  const from = performance.now();
  await namespace.insert(20_000);
  await namespace.deploy({ replicas: 3 });
  const pods = await namespace.untilRolledOut();
  assertEquals(pods.length, 3);
  console.log(`three pods were rolled out after ${((performance.now() - from) / 1000).toFixed(0)} s`);
  await namespace.untilProcessed(20_000);
  assertEquals(await namespace.documents.countDocuments({ "_pull.attempts": { $ne: 1 } }), 0, "repeated");
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

Deno.test("kubectl describe says what is wrong with a setting, and the old pods go on", OPTIONS, async () => {
  await using namespace = await Namespace.make("setting");
  await namespace.deploy();
  const [pod] = await namespace.untilRolledOut() as [string];
  await namespace.deploy({ env: { BATCH_SIZE: "many" } });
  await untilCluster("a pod that has failed", async () => {
    const text = await namespace.kubectl("describe", "pods", "-l", "app=pulling-agent");
    return /BATCH_SIZE is "many": must be a whole number/.test(text) && text.includes("Exit Code:    2");
  });
  assertGreaterOrEqual((await namespace.pods()).indexOf(pod), 0, "the old pod");
  await namespace.insert(5);
  await namespace.untilProcessed(5);
});
