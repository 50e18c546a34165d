/** The limit of memory on a real cluster. Run it by `make test-k8s`. */
import { assertEquals } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };

Deno.test(
  "a container that takes too much memory is restarted, and the others' documents are processed",
  OPTIONS,
  async () => {
    await using namespace = await Namespace.make("memory");
    await namespace.deploy({
      // It takes four crashes to give a document up. Spread over three pods they wait less for their restarts.
      replicas: 3,
      module: `const kept = [];
      export default async (document) => {
        if (document._id !== 13) return;
        for (;;) { kept.push(new Uint8Array(8_000_000).fill(1)); await new Promise((go) => setTimeout(go, 5)); }
      };`,
      env: { LEASE_DURATION: "5" },
    });
    const pods = await namespace.untilRolledOut();
    await namespace.insert(100);
    const terminated = await untilCluster("a restart", async () => {
      const containers = await Promise.all(pods.map((pod) => namespace.container(pod)));
      return containers.map(({ lastState }) => lastState.terminated).find(Boolean);
    });
    assertEquals(terminated.reason, "OOMKilled");
    await namespace.untilProcessed(99);
    await untilCluster(
      "the dead letter",
      async () => await namespace.documents.countDocuments({ _id: 13, status: "failed" }) === 1,
    );
  },
);
