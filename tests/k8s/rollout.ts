/** Rollouts and lost pods on a real cluster. Run it by `make test-k8s`. */
import { assert, assertEquals } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };
/** Takes a while, so that there is always something in flight. */
const SLOW = `export default () => new Promise((resolve) => setTimeout(resolve, 20));`;

/** Takes long enough to be seen at work from outside. */
const SLOWER = `export default () => new Promise((resolve) => setTimeout(resolve, 1000));`;

Deno.test("rollouts and scaling under load lose and repeat nothing", OPTIONS, async () => {
  await using namespace = await Namespace.make("rollout");
  await namespace.deploy({ replicas: 2, module: SLOW, env: { BATCH_SIZE: "20", LEASE_DURATION: "600" } });
  await namespace.untilRolledOut();
  let total = 0;
  const isOver = new AbortController();
  const producing = (async () => {
    for (; !isOver.signal.aborted; total += 500) {
      await namespace.insert(500, total + 1);
      await untilCluster("the load to be worn off", async () => {
        if (isOver.signal.aborted) return true;
        return await namespace.documents.countDocuments({ status: "pending" }) < 2000;
      });
    }
  })();
  await namespace.kubectl("rollout", "restart", "deployment/pulling-agent");
  await namespace.untilRolledOut();
  for (const replicas of [4, 1, 3]) {
    await namespace.kubectl("scale", "deployment/pulling-agent", `--replicas=${replicas}`);
    await namespace.untilRolledOut();
  }
  isOver.abort();
  await producing;
  assert(total > 0);
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
  await namespace.deploy({ replicas: 2, module: SLOWER, env: { LEASE_DURATION: "5" } });
  const [victim] = await namespace.untilRolledOut() as [string];
  await namespace.insert(400);
  await untilCluster("the pod to be at work", async () => (await namespace.status(victim)).held.running > 0);
  await namespace.kubectl("delete", "pod", victim, "--force", "--grace-period=0");
  await namespace.untilProcessed(400);
});
