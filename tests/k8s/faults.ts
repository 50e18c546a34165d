/** Rollouts, crashes and outages on a real cluster. Run it by `make test-k8s`. */
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { Gateway } from "./gateway.ts";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };
/** Takes a while, so that there is always something in flight. */
const SLOW = `export default () => new Promise((resolve) => setTimeout(resolve, 20));`;

Deno.test("rollouts and scaling under load lose and repeat nothing", OPTIONS, async () => {
  await using namespace = await Namespace.make("rollout");
  await namespace.deploy({ replicas: 2, module: SLOW, env: { BATCH_SIZE: "20", LEASE_DURATION: "600" } });
  await namespace.untilRolledOut();
  const total = 40_000;
  await namespace.insert(total);
  const counted = () => namespace.documents.countDocuments({ status: "processed" });
  await namespace.kubectl("rollout", "restart", "deployment/pulling-agent");
  await namespace.untilRolledOut();
  for (const replicas of [4, 1, 3]) {
    await namespace.kubectl("scale", "deployment/pulling-agent", `--replicas=${replicas}`);
    await namespace.untilRolledOut();
  }
  assert(await counted() < total, "there was load all the time");
  await namespace.untilProcessed(total);
  // The leases last longer than the test: what a pod had kept for itself would still be processing.
  assertEquals(await namespace.documents.countDocuments({ "_pull.attempts": { $ne: 1 } }), 0, "repeated");
  for (const pod of await namespace.pods()) {
    const { counters } = await namespace.status(pod);
    assertEquals([counters.takeovers, counters.lease_lost, counters.unconfirmed], [0, 0, 0]);
  }
});

Deno.test("the Job works a collection off and completes", OPTIONS, async () => {
  await using namespace = await Namespace.make("job");
  await namespace.kubectl("apply", "-f", "k8s/serviceaccount.yaml");
  await namespace.insert(500);
  await namespace.runJob();
  assertEquals(await namespace.documents.countDocuments({ status: "processed" }), 500);
});

Deno.test("a pod that is deleted by force leaves its documents to others", OPTIONS, async () => {
  await using namespace = await Namespace.make("force");
  await namespace.deploy({ replicas: 2, module: SLOW, env: { LEASE_DURATION: "5" } });
  const [victim] = await namespace.untilRolledOut() as [string];
  await namespace.insert(10_000);
  await untilCluster("the pod to be at work", async () => (await namespace.status(victim)).held.running > 0);
  await namespace.kubectl("delete", "pod", victim, "--force", "--grace-period=0");
  await namespace.untilProcessed(10_000);
});

Deno.test("the liveness probe restarts a loop that is stuck", OPTIONS, async () => {
  await using namespace = await Namespace.make("stuck");
  await namespace.deploy({ module: `export default () => { for (;;); };`, env: { MAX_ATTEMPTS: "1" } });
  const [pod] = await namespace.untilRolledOut() as [string];
  await namespace.insert(1);
  const from = performance.now();
  const container = await untilCluster("a restart", async () => {
    const container = await namespace.container(pod);
    return container.restartCount > 0 ? container : undefined;
  });
  console.log(`a stuck loop was restarted after ${((performance.now() - from) / 1000).toFixed(0)} s`);
  assertEquals(container.lastState.terminated.exitCode, 137, "a loop that never yields cannot be asked");
  const events = await namespace.kubectl("get", "events", "--field-selector", "reason=Unhealthy");
  assertStringIncludes(events, "liveness: no");
});

Deno.test(
  "a container that takes too much memory is restarted, and the others' documents are processed",
  OPTIONS,
  async () => {
    await using namespace = await Namespace.make("memory");
    await namespace.deploy({
      module: `const kept = [];
      export default async (document) => {
        if (document._id !== 13) return;
        for (;;) { kept.push(new Uint8Array(8_000_000).fill(1)); await new Promise((go) => setTimeout(go, 5)); }
      };`,
      env: { LEASE_DURATION: "5" },
    });
    const [pod] = await namespace.untilRolledOut() as [string];
    await namespace.insert(100);
    const terminated = await untilCluster(
      "a restart",
      async () => (await namespace.container(pod)).lastState.terminated,
    );
    assertEquals(terminated.reason, "OOMKilled");
    await namespace.untilProcessed(99);
    await untilCluster(
      "the dead letter",
      async () => await namespace.documents.countDocuments({ _id: 13, status: "failed" }) === 1,
    );
  },
);

Deno.test("an outage of MongoDB makes pods unready and restarts none", OPTIONS, async (t) => {
  await using namespace = await Namespace.make("outage");
  await using gateway = Gateway.open(Deno.env.get("TEST_K8S_MONGODB_URI")!);
  if (!gateway) {
    console.log(
      "SKIP the outage, TEST_K8S_MONGODB_URI is no address of this machine, so it cannot be cut off",
    );
    return;
  }
  await t.step("out of reach", async () => {
    await namespace.kubectl("delete", "secret", "mongodb-secret");
    await namespace.kubectl(
      ...["create", "secret", "generic", "mongodb-secret", `--from-literal=uri=${gateway.uri}`],
    );
    await namespace.deploy();
    const [pod] = await namespace.untilRolledOut() as [string];
    gateway.close();
    await namespace.kubectl("wait", "--for=condition=Ready=false", `pod/${pod}`, "--timeout=200s");
    // As long as the liveness probe would need to restart it, were it to fail.
    const beat = async () => (await namespace.agent(pod, "health", "liveness")).stdout;
    for (let looks = 0; looks < 12; looks++) {
      assertStringIncludes(await beat(), "liveness: yes");
      const before = (await namespace.status(pod)).updated_at;
      await untilCluster("another heartbeat", async () => (await namespace.status(pod)).updated_at > before);
    }
    await namespace.insert(10);
    gateway.reopen();
    await namespace.untilProcessed(10);
    await namespace.kubectl("wait", "--for=condition=Ready", `pod/${pod}`, "--timeout=200s");
    assertEquals((await namespace.container(pod)).restartCount, 0);
  });
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
