import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { INSTRUMENTS } from "../../agent/metrics/instruments.ts";
import { SETTINGS } from "../../agent/settings/settings.ts";
import { ofPods, PROMTOOL, tryExpression } from "../support/alert_cases.ts";
import {
  environmentOf,
  KUBECTL,
  type KubernetesObject,
  objectsIn,
  output,
  overlay,
  podTemplate,
  SCHEMAS,
} from "../support/manifests.ts";
import { isMissing } from "../support/optional.ts";

const noSchemas = await isMissing(SCHEMAS);
const ignore = await isMissing(PROMTOOL) || noSchemas;

Deno.test({
  name: "Manifests: Prometheus finds the pods of the overlay by their labels and their port, and may connect",
  ignore: await isMissing(KUBECTL) || noSchemas,
  fn: async () => {
    const objects = await overlay("monitoring");
    const of = (kind: string) => objects.find((each) => each.kind === kind)!;
    const { metadata: { labels }, spec: { containers: [container] } } = podTemplate(of("Deployment"))!;
    const { METRICS_PORT, METRICS_HOST } = environmentOf(container);
    assertEquals(METRICS_HOST, "0.0.0.0");
    const port = { name: "metrics", containerPort: Number(METRICS_PORT), protocol: "TCP" };
    assertEquals(container.ports, [port]);

    const { selector, podTargetLabels, podMetricsEndpoints } = of("PodMonitor").spec;
    assertEquals(podMetricsEndpoints.map((each: KubernetesObject) => each.port), [port.name]);
    const { podSelector, ingress } = of("NetworkPolicy").spec;
    assertEquals(ingress.flatMap(({ ports }: KubernetesObject) => ports), [{
      port: "metrics",
      protocol: "TCP",
    }]);
    for (const [label, value] of Object.entries({ ...selector.matchLabels, ...podSelector.matchLabels })) {
      assertEquals(labels[label], value);
    }
    const [job] = await objectsIn("k8s/examples/job.yaml");
    for (const label of podTargetLabels) {
      assert(labels[label] && podTemplate(job!)!.metadata.labels[label], label);
    }
    // The alert on absent agents leaves pods of Jobs out by this label.
    const component = "app.kubernetes.io/component";
    assertEquals([labels[component], podTemplate(job!)!.metadata.labels[component]], ["worker", "job"]);

    const { data, metadata } = of("ConfigMap");
    assertEquals(metadata.labels.grafana_dashboard, "1");
    assertEquals(JSON.parse(data["dashboard.json"]).uid, "pulling-agent");
    assert(of("PrometheusRule"));
  },
});

Deno.test({
  name: "Manifests: the collector for OTLP is valid, and takes what agents push",
  ignore: noSchemas,
  fn: async () => {
    const path = "k8s/monitoring/otlp.yaml";
    for (const version of ["1.27.0", "1.35.0"]) {
      await output("sh", "scripts/manifests.sh", "validate", version, path);
    }
    const objects = await objectsIn(path);
    const pod = podTemplate(objects.find(({ kind }) => kind === "Deployment")!)!;
    const [port] = pod.spec.containers[0].ports;
    const { selector, ports } = objects.find(({ kind }) => kind === "Service")!.spec;
    assertEquals(ports[0].targetPort, port.name);
    for (const [label, value] of Object.entries(selector)) assertEquals(pod.metadata.labels[label], value);
    const variables = new Set(Object.values(SETTINGS).map(({ variable }) => variable as string));
    const named = [
      ...(await Deno.readTextFile(new URL(`../../${path}`, import.meta.url))).matchAll(/\bOTEL_\w+/g),
    ];
    assertEquals(named.map(([name]) => name).filter((name) => !variables.has(name)), []);
    assert(named.length > 0);
  },
});

async function scaledObject(): Promise<KubernetesObject> {
  const [object] = await objectsIn("k8s/examples/keda-prometheus.yaml");
  return object!.spec;
}

Deno.test({
  name: "Manifests: KEDA gets one number of several agents, and none if all are paused or gone",
  ignore,
  fn: async () => {
    const [trigger] = (await scaledObject()).triggers;
    const query = trigger.metadata.query.replaceAll('"default"', '"shop"').replaceAll(
      '"pulling-agent"',
      '"orders"',
    );
    const of = (values: string[]) =>
      ofPods("pulling_agent_claimable_documents", values, ',database="mydb",collection="mycollection"');
    const paused = (values: string[]) => ofPods("pulling_agent_paused", values, ',source="file"');
    const backlog = of(["1700x20", "1690x20", "1700x20"]);
    const cases = [
      { series: { ...backlog, ...paused(["0x20", "0x20", "0x20"]) }, gives: [["{}", 1700]] },
      { series: { ...backlog, ...paused(["1x20", "0x20", "1x20"]) }, gives: [["{}", 1700]] },
      { series: { ...backlog, ...paused(["1x20", "1x20", "1x20"]) }, gives: [] },
      { series: { ...of(["1700x3 stale"]), ...paused(["0x3 stale"]) }, gives: [] },
    ] as const;
    for (const { series, gives } of cases) {
      await tryExpression(query, {
        series,
        minute: 10,
        gives: gives.map(([labels, value]) => [labels, value]),
      });
    }
  },
});

Deno.test({
  name: "Manifests: KEDA can reach all pods with a backlog that is counted up to a cap, and never goes to 0",
  ignore: noSchemas,
  fn: async () => {
    const { minReplicaCount, maxReplicaCount, triggers: [{ metadata }] } = await scaledObject();
    const cap = Number(/counted up to ([\d,]+)/.exec(INSTRUMENTS.claimable.help)![1]!.replaceAll(",", ""));
    assertLessOrEqual(maxReplicaCount * Number(metadata.threshold), cap);
    assertEquals([minReplicaCount, metadata.ignoreNullValues], [1, "false"]);
  },
});

Deno.test({
  name: "Manifests: Prometheus accepts the scrape job for clusters without its operator",
  ignore,
  fn: async () => {
    const [config] = await objectsIn("k8s/monitoring/scrape_config.yaml");
    const [job] = config!.scrape_configs;
    const { kubernetes_sd_configs, ...rest } = job;
    assertEquals(kubernetes_sd_configs, [{ role: "pod" }]);
    // Not every build of Prometheus has the discovery of Kubernetes.
    const dir = await Deno.makeTempDir();
    try {
      const scrape_configs = [{ ...rest, static_configs: [{ targets: ["127.0.0.1:9464"] }] }];
      await Deno.copyFile(
        new URL("../../k8s/monitoring/rules.yaml", import.meta.url),
        `${dir}/rules.yaml`,
      );
      await Deno.writeTextFile(`${dir}/prometheus.json`, JSON.stringify({ ...config, scrape_configs }));
      const checked = await output("promtool", "check", "config", `${dir}/prometheus.json`);
      assert(checked.includes("rules found"), checked);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
