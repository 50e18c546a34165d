/** `control-agent.sh` on a real cluster. Run it by `make test-k8s`. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Namespace } from "./namespace.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };
const STATES = ["pause", "resume"] as const;

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
  assertEquals(status.stdout.match(/\(paused by signal/g)?.length, 3, status.stdout + status.stderr);
  // The same of the fleet, as one of the pods sees it.
  assertStringIncludes(status.stdout, " has 3 agents");
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
