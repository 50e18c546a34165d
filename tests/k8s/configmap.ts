/** Pausing by the ConfigMap on a real cluster. Run it by `make test-k8s`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Namespace, untilCluster } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };

/** The README's way to write the ConfigMap. */
async function configure(namespace: Namespace, state: string): Promise<void> {
  const made = await namespace.kubectl(
    ...["create", "configmap", "agent-control", `--from-literal=state=${state}`],
    ...["-o", "json", "--dry-run=client"],
  );
  await namespace.apply(JSON.parse(made));
}

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
