import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { loadSettings } from "../../agent/settings/load_settings.ts";
import { SETTINGS } from "../../agent/settings/settings.ts";
import { parseCommandLine } from "../../control/commands/command_line.ts";
import { agentHome } from "../support/agent_home.ts";
import {
  environmentOf,
  type KubernetesObject,
  manifestsIn,
  objectsIn,
  podTemplate,
  SCHEMAS,
} from "../support/manifests.ts";
import { isMissing } from "../support/optional.ts";

const noSchemas = await isMissing(SCHEMAS);

/** Whether a selector of labels takes a pod. */
function selects({ matchLabels }: KubernetesObject, labels: Record<string, string>): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

Deno.test({
  name:
    "Manifests: no selector of the agents takes the dashboard for an agent, nor that of the dashboard an agent",
  ignore: noSchemas,
  fn: async () => {
    const paths = (await Promise.all(["k8s", "k8s/jobs", "k8s/examples"].map(manifestsIn))).flat();
    const objects = await objectsIn(
      ...paths,
      ...["k8s/monitoring/podmonitor.yaml", "k8s/monitoring/networkpolicy.yaml"],
    );
    const pods = objects.flatMap((object) => {
      const template = podTemplate(object);
      if (template === undefined) return [];
      return [{ name: `${object.kind} ${object.metadata.name}`, labels: template.metadata.labels }];
    });
    const isOfDashboard = (name: string) => name.endsWith("-dashboard");
    const selectors = objects.flatMap(({ kind, metadata, spec }) => {
      const selector = spec?.podSelector ?? (kind === "Job" ? undefined : spec?.selector);
      return selector ? [{ name: `${kind} ${metadata.name}`, selector }] : [];
    });
    const script = await Deno.readTextFile(new URL("../../scripts/control-agent.sh", import.meta.url));
    const [, label, value] = / selector=([\w./]+)=([\w-]+) /.exec(script)!;
    selectors.push({ name: "control-agent.sh", selector: { matchLabels: { [label!]: value } } });
    const kinds = new Set(selectors.map(({ name }) => name.split(" ")[0]));
    for (const kind of ["Deployment", "PodDisruptionBudget", "PodMonitor", "NetworkPolicy"]) {
      assert(kinds.has(kind), kind);
    }
    assert(pods.some(({ name }) => isOfDashboard(name)));
    for (const { name, selector } of selectors) {
      const taken = pods.filter(({ labels }) => selects(selector, labels)).map((pod) => pod.name);
      assertGreater(taken.length, 0, name);
      for (const pod of taken) assertEquals(isOfDashboard(pod), isOfDashboard(name), `${name} takes ${pod}`);
    }
  },
});

Deno.test({
  name: "Manifests: the dashboard starts as its manifest says, for its pod alone, and its probes ask it",
  ignore: noSchemas,
  fn: async () => {
    const [deployment, ...others] = await objectsIn("k8s/examples/dashboard.yaml");
    assertEquals([deployment!.kind, others.length], ["Deployment", 0], "no Service");
    const pod = deployment!.spec.template.spec;
    assertEquals([deployment!.spec.replicas, pod.containers.length], [1, 1]);
    const [container] = pod.containers;
    const { command, line } = parseCommandLine(container.args);
    assertEquals([command.name, line], ["dashboard", { flags: [], options: {} }]);
    for (const probe of ["readinessProbe", "livenessProbe"]) {
      const [program, ...args] = container[probe].exec.command;
      assertEquals([program, parseCommandLine(args)], [
        "pulling-agent",
        { command, line: { flags: ["probe"], options: {} } },
      ]);
      // It gives up after three seconds by itself, with a sentence.
      assertGreaterOrEqual(container[probe].timeoutSeconds, 5);
    }
    const { failureThreshold, periodSeconds } = container.livenessProbe;
    assertGreaterOrEqual(failureThreshold * periodSeconds, 60);
    const build = await Deno.readTextFile(new URL("../../scripts/build.sh", import.meta.url));
    const heapMiB = Number(/--max-old-space-size=(\d+)/.exec(build)?.[1]);
    const { limits } = container.resources;
    assertGreaterOrEqual(Number(/^(\d+)Mi$/.exec(limits.memory)?.[1]), 2 * heapMiB);
    assertEquals(limits.cpu, undefined);
    // The names of its secret's keys are those that its documents tell to make.
    const [mount] = container.volumeMounts;
    assertEquals([mount.readOnly, mount.subPath], [true, undefined]);
    assertEquals(pod.volumes, [{ name: mount.name, secret: { secretName: "pulling-agent-dashboard" } }]);
    await using home = await agentHome();
    const secret = { uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500", token: "0123456789abcdef" };
    const env: Record<string, string | undefined> = { ...environmentOf(container), MONGODB_URI: undefined };
    for (const [key, content] of Object.entries(secret)) {
      const variable = Object.keys(env).find((each) => env[each] === `${mount.mountPath}/${key}`);
      env[variable!] = await home.write(key, content);
    }
    const known = new Set(Object.values(SETTINGS).map(({ variable }) => variable as string));
    for (const variable of Object.keys(env)) assert(known.has(variable), variable);
    const { problems, values } = loadSettings((variable) => env[variable]);
    assertEquals(problems, []);
    assertEquals([values.mongodbUri, values.dashboardTokenFile], [secret.uri, `${home.dir}/token`]);
  },
});
