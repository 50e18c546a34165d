/** A MongoDB that is away on a real cluster. Run it by `make test-k8s`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Gateway } from "./gateway.ts";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };

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
