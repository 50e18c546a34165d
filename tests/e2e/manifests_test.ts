import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { loadSettings } from "../../agent/settings/load_settings.ts";
import { SETTINGS } from "../../agent/settings/settings.ts";
import { parseCommandLine } from "../../control/commands/command_line.ts";
import {
  environmentOf,
  KUBECTL,
  type KubernetesObject,
  manifestsIn,
  objectsIn,
  output,
  overlay,
  podTemplate,
  SCHEMAS,
  validateOverlays,
} from "../support/manifests.ts";
import { agentHome } from "../support/agent_home.ts";
import { isMissing } from "../support/optional.ts";

const noSchemas = await isMissing(SCHEMAS);
const noOverlays = await isMissing(KUBECTL) || noSchemas;
const FOLDERS = ["k8s", "k8s/once", "k8s/jobs", "k8s/examples"];
const OVERLAYS = ["dev", "production", "sidecar", "image-volume", "monitoring"];
/** The oldest version that knows all that the manifests use, and a recent one. */
const VERSIONS = ["1.27.0", "1.35.0"];
/** Manifests and overlays that need a newer one, as they say themselves. */
const SINCE: Record<string, string> = {
  "k8s/examples/job-with-service.yaml": "1.29.0",
  "sidecar": "1.29.0",
  "image-volume": "1.31.0",
};

let read: Promise<KubernetesObject[]> | undefined;

/** Every manifest, and every overlay as kustomize makes it. */
function everyObject(): Promise<KubernetesObject[]> {
  return read ??= readEveryObject();
}

async function readEveryObject(): Promise<KubernetesObject[]> {
  const paths = (await Promise.all(FOLDERS.map(manifestsIn))).flat();
  const objects = await objectsIn(...paths);
  return noOverlays ? objects : [...objects, ...(await Promise.all(OVERLAYS.map(overlay))).flat()];
}

/** The containers that run the agent, with the pods they are in. */
async function agents(): Promise<{ name: string; pod: KubernetesObject; container: KubernetesObject }[]> {
  const found = (await everyObject()).flatMap((object) => {
    const pod = podTemplate(object)?.spec;
    const container = pod?.containers.find(({ name }: KubernetesObject) => name === "pulling-agent");
    return container ? [{ name: `${object.kind} ${object.metadata.name}`, pod, container }] : [];
  });
  assertGreaterOrEqual(found.length, noOverlays ? 2 : 4, "a Deployment, a Job, and that of each overlay");
  return found;
}

Deno.test({
  name: "Manifests: the manifests are valid for old and new versions of Kubernetes",
  ignore: noSchemas,
  fn: async () => {
    const paths = (await Promise.all(FOLDERS.map(manifestsIn))).flat().filter((path) =>
      !/\/keda[^/]*$/.test(path)
    );
    const [oldest, recent] = VERSIONS as [string, string];
    const old = paths.filter((path) => SINCE[path] === undefined);
    await output("sh", "scripts/manifests.sh", "validate", oldest, ...old);
    await output("sh", "scripts/manifests.sh", "validate", recent, ...paths);
    for (const path of paths.filter((each) => SINCE[each] !== undefined)) {
      await output("sh", "scripts/manifests.sh", "validate", SINCE[path]!, path);
    }
  },
});

Deno.test({
  name: "Manifests: the overlays make valid manifests",
  ignore: noOverlays,
  fn: async () => {
    for (const name of OVERLAYS) {
      assert((await overlay(name)).some(({ kind }) => kind === "Deployment"), name);
    }
    const [oldest, recent] = VERSIONS as [string, string];
    await validateOverlays(oldest, OVERLAYS.filter((name) => SINCE[name] === undefined));
    await validateOverlays(recent, OVERLAYS);
    for (const name of OVERLAYS.filter((each) => SINCE[each] !== undefined)) {
      await validateOverlays(SINCE[name]!, [name]);
    }
  },
});

Deno.test("Manifests: the overlays stand on the manifests that kubectl apply -f k8s/ applies", async () => {
  const names = (await manifestsIn("k8s")).map((path) => path.slice("k8s/".length));
  const copies = (await manifestsIn("k8s/overlays/base")).map((path) =>
    path.slice("k8s/overlays/base/".length)
  );
  assertEquals(
    copies.filter((name) => name !== "kustomization.yaml"),
    names,
    "run: sh scripts/manifests.sh base",
  );
  for (const name of names) {
    const [original, copy] = await Promise.all(
      ["k8s", "k8s/overlays/base"].map((folder) =>
        Deno.readTextFile(new URL(`../../${folder}/${name}`, import.meta.url))
      ),
    );
    assertEquals(copy, original, `k8s/overlays/base/${name} is old, run: sh scripts/manifests.sh base`);
  }
});

Deno.test({
  name: "Manifests: kubectl apply -f k8s/ touches neither the secret nor the control ConfigMap",
  ignore: noSchemas,
  fn: async () => {
    const kinds = (await objectsIn(...await manifestsIn("k8s"))).map(({ kind }) => kind).sort();
    assertEquals(kinds, ["Deployment", "PodDisruptionBudget", "ServiceAccount"]);
    const once = await objectsIn(...await manifestsIn("k8s/once"));
    assertEquals(once.map(({ kind, metadata }) => `${kind} ${metadata.name}`), [
      "ConfigMap agent-control",
      "Secret mongodb-secret",
    ]);
    assertEquals(once[0]!.data, { state: "resume" });
    assertMatch(once[1]!.stringData.uri, /^mongodb:\/\//);
  },
});

Deno.test({
  name: "Manifests: the agent knows and accepts all settings of the manifests",
  ignore: noSchemas,
  fn: async () => {
    const known = new Set(Object.values(SETTINGS).map(({ variable }) => variable as string));
    for (const { name, pod, container } of await agents()) {
      const env = environmentOf(container);
      for (const variable of Object.keys(env)) assert(known.has(variable), `${name} sets ${variable}`);
      const { values: settings, problems, warnings } = loadSettings(
        (variable) => env[variable],
        { hostName: "other", isTerminal: false },
      );
      assertEquals([problems, warnings], [[], []], name);
      const mount = (path: string) =>
        container.volumeMounts.find(({ mountPath }: KubernetesObject) => path.startsWith(`${mountPath}/`));
      const volume = (path: string) =>
        pod.volumes.find((each: KubernetesObject) => each.name === mount(path)?.name);
      assertGreater(pod.terminationGracePeriodSeconds * 1000, settings.shutdownTimeoutMs! + 5000, name);
      assert(volume(`${settings.healthDir}/liveness`).emptyDir.sizeLimit, name);
      assertEquals(settings.agentName, "pod-1", name);
      if (name.startsWith("Job")) continue;
      assertEquals(volume(settings.controlFile!).configMap, { name: "agent-control", optional: true }, name);
      assertEquals(mount(settings.controlFile!).subPath, undefined, name);
    }
  },
});

Deno.test({
  name: "Manifests: the Job of the examples fails at once for bad settings, and counts no evicted pod",
  ignore: noSchemas,
  fn: async () => {
    const [job] = await objectsIn("k8s/examples/job.yaml");
    const { podFailurePolicy, template } = job!.spec;
    // Kubernetes refuses the policy with any other.
    assertEquals(template.spec.restartPolicy, "Never");
    const [badSettings, eviction] = podFailurePolicy.rules;
    const { containerName, ...codes } = badSettings.onExitCodes;
    assert(template.spec.containers.some(({ name }: KubernetesObject) => name === containerName));
    await using home = await agentHome({ env: { BATCH_SIZE: "none" } });
    const { code } = await home.run(...template.spec.containers[0].args);
    assertEquals([badSettings.action, codes], ["FailJob", { operator: "In", values: [code] }]);
    assertEquals(eviction, {
      action: "Ignore",
      onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
    });
  },
});

Deno.test({
  name: "Manifests: probes are commands of the agent, with time to answer",
  ignore: noSchemas,
  fn: async () => {
    for (const { name, container } of await agents()) {
      const probes = ["startup", "liveness", "readiness"].filter((probe) => container[`${probe}Probe`]);
      assertEquals(probes.includes("liveness"), true, name);
      assertEquals(probes.length, name.startsWith("Job") ? 1 : 3, name);
      for (const probe of probes) {
        const { exec, timeoutSeconds, periodSeconds } = container[`${probe}Probe`];
        const [program, ...args] = exec.command;
        const { command, line } = parseCommandLine(args);
        assertEquals(
          [program, command.name, line],
          ["pulling-agent", "health", { word: probe, flags: [], options: {} }],
          name,
        );
        assertGreaterOrEqual(timeoutSeconds, 5, `${name} ${probe}`);
        if (probe === "liveness") assertGreaterOrEqual(periodSeconds, 15, name);
      }
      assertEquals(container.terminationMessagePolicy, "FallbackToLogsOnError", name);
    }
  },
});

Deno.test({
  name: "Manifests: a container has twice the memory of the heap that is built into the executable",
  ignore: noSchemas,
  fn: async () => {
    const build = await Deno.readTextFile(new URL("../../scripts/build.sh", import.meta.url));
    const heapMiB = Number(/--max-old-space-size=(\d+)/.exec(build)?.[1]);
    for (const { name, container: { resources } } of await agents()) {
      assertGreaterOrEqual(Number(/^(\d+)Mi$/.exec(resources.limits.memory)?.[1]), 2 * heapMiB, name);
      assertEquals(resources.limits.cpu, undefined, name);
      assert(resources.requests.cpu && resources.requests.memory, name);
    }
  },
});

Deno.test({
  name: 'every pod is fit for Pod Security "restricted" and has a root that cannot be written',
  ignore: noSchemas,
  fn: async () => {
    let pods = 0;
    for (const object of await everyObject()) {
      const pod = podTemplate(object)?.spec;
      if (!pod) continue;
      pods += 1;
      const name = `${object.kind} ${object.metadata.name}`;
      assertEquals(pod.securityContext.runAsNonRoot, true, name);
      assertGreater(pod.securityContext.runAsUser, 0, name);
      assertEquals(pod.securityContext.seccompProfile, { type: "RuntimeDefault" }, name);
      assertEquals(pod.enableServiceLinks, false, name);
      for (const { securityContext } of [...pod.initContainers ?? [], ...pod.containers]) {
        assertEquals(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        }, name);
      }
      for (const { name: volume, emptyDir, configMap, image, secret } of pod.volumes) {
        assert(emptyDir || configMap || image || secret, `${name} ${volume}`);
      }
    }
    assertGreaterOrEqual(pods, 4);
  },
});

Deno.test({
  name: "Manifests: a service beside the agent has started before it, and ends after it, also in a Job",
  ignore: noOverlays,
  fn: async () => {
    const pods = (await everyObject()).flatMap((object) => podTemplate(object)?.spec ?? [])
      .filter(({ initContainers }) => initContainers);
    assertEquals(pods.length, 2, "a Deployment and a Job");
    for (const { initContainers: [service, ...others], containers: [agent, ...beside] } of pods) {
      assertEquals([others, beside], [[], []], "an ordinary container is ended together with the agent");
      assertEquals(service.restartPolicy, "Always");
      const { PORT } = environmentOf(service);
      assertEquals(environmentOf(agent).PROCESSOR, `http://127.0.0.1:${PORT}/orders`);
      assert(service.startupProbe.exec.command.at(-1).includes(`('127.0.0.1', ${PORT})`));
    }
  },
});

Deno.test({
  name: "Manifests: every Job ends, even if MongoDB stays out of reach",
  ignore: noSchemas,
  fn: async () => {
    const jobs = (await everyObject()).filter(({ kind }) => kind === "Job" || kind === "CronJob");
    assertGreaterOrEqual(jobs.length, 3);
    for (const { metadata, spec } of jobs) {
      assertGreater((spec.jobTemplate?.spec ?? spec).activeDeadlineSeconds ?? 0, 0, metadata.name);
    }
  },
});

Deno.test({
  name:
    "Manifests: the schedules may write the control ConfigMap and nothing else, and miss no hour silently",
  ignore: noSchemas,
  fn: async () => {
    const objects = await objectsIn("k8s/jobs/cronjobs-example.yaml");
    const [role] = objects.filter(({ kind }) => kind === "Role");
    assertEquals(role!.rules, [{
      apiGroups: [""],
      resources: ["configmaps"],
      resourceNames: ["agent-control"],
      verbs: ["get", "create", "patch"],
    }]);
    const states = objects.find(({ kind }) => kind === "ConfigMap")!.data;
    const jobs = objects.filter(({ kind }) => kind === "CronJob");
    assertEquals(jobs.map(({ metadata, spec }) => [metadata.name, spec.schedule]), [
      ["agent-pause", "0 2 * * *"],
      ["agent-resume", "0 4 * * *"],
    ]);
    for (const { metadata, spec } of jobs) {
      const word = metadata.name.replace("agent-", "");
      assertEquals([spec.concurrencyPolicy, spec.timeZone], ["Forbid", "Etc/UTC"]);
      assertGreater(spec.startingDeadlineSeconds, 60);
      const [container] = spec.jobTemplate.spec.template.spec.containers;
      assertMatch(container.image, /^registry\.k8s\.io\/kubectl:v1\.\d+\.\d+$/);
      assertEquals(container.args.at(-1), `--filename=/states/${word}.yaml`);
      assertMatch(states[`${word}.yaml`], new RegExp(`name: agent-control\\ndata:\\n {2}state: ${word}\\n`));
    }
  },
});
