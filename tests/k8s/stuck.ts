/** The liveness probe on a real cluster. Run it by `make test-k8s`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };

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
