import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import type { Instrument } from "../../../agent/metrics/instrument.ts";
import { INSTRUMENTS } from "../../../agent/metrics/instruments.ts";
import { plainRules } from "../../../scripts/monitoring/rules_file.ts";

const instruments: readonly Instrument[] = Object.values(INSTRUMENTS);
/** Labels that a scrape adds, see the PodMonitor. */
const TARGET_LABELS = ["namespace", "job", "app", "pod", "instance", "app_kubernetes_io_component"];
/** Series that others than the agent have, and the labels that are used of them. */
const OTHERS: Record<string, string[]> = {
  up: ["job"],
  kube_pod_container_status_restarts_total: ["container"],
  ALERTS: ["alertname", "alertstate", "namespace"],
};

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(`../../../k8s/${path}`, import.meta.url));
}

function names({ name, kind }: Instrument): string[] {
  return kind === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name];
}

/** What an expression asks for that no series has: a name, a label, or a value of a label. */
function unknownIn(expr: string): string[] {
  const found = [
    ...expr.matchAll(/\b(?:pulling_agent_\w+|process_\w+|kube_\w+|up(?=\{)|ALERTS)\b(?:\{([^}]*)\})?/g),
  ];
  assertGreater(found.length, 0, `${expr} asks for nothing`);
  return found.flatMap(([selector, matchers = ""]) => {
    const name = /^\w+/.exec(selector)![0];
    const instrument = instruments.find((each) => names(each).includes(name));
    if (!instrument && !OTHERS[name]) return [name];
    const labels = instrument?.labels ?? {};
    const allowed = instrument ? [...TARGET_LABELS, ...Object.keys(labels)] : OTHERS[name]!;
    return [...matchers.matchAll(/(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"/g)].flatMap(
      ([, label, operator, value]) => {
        if (!allowed.includes(label!)) return [`${name}{${label}}`];
        const values = labels[label!];
        return operator === "=" && Array.isArray(values) && !values.includes(value)
          ? [`${name}{${label}="${value}"}`]
          : [];
      },
    );
  });
}

/** The expressions of a file of YAML: each value of these keys, on its line or in a block below it. */
function expressionsIn(yaml: string, key: string): string[] {
  const block = new RegExp(`^( *)(?:- )?${key}: (?:\\|\\n((?:\\1 +.*\\n|\\n)+)|(.+)\\n)`, "gm");
  return [...yaml.matchAll(block)].map(([, , lines, line]) => lines ?? line!);
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: unknown;
  targets?: { expr: string; datasource: unknown }[];
}

async function dashboard() {
  const text = await read("monitoring/dashboard.json");
  const panels: Panel[] = JSON.parse(text).panels;
  return { text, panels: panels.filter(({ type }) => type !== "row") };
}

Deno.test("Alerts: rules and scalers ask for metrics, labels and values that agents have", async () => {
  const rules = expressionsIn(await read("monitoring/prometheusrule.yaml"), "expr");
  assertEquals(rules.length, [...(await read("monitoring/rules.yaml")).matchAll(/- alert:/g)].length);
  const queries = expressionsIn(await read("examples/keda-prometheus.yaml"), "query");
  assertEquals(queries.length, 1);
  for (const expr of [...rules, ...queries]) assertEquals(unknownIn(expr), [], expr);
  assertEquals(unknownIn("sum(pulling_agent_setled_total)"), ["pulling_agent_setled_total"]);
  assertEquals(unknownIn('pulling_agent_settled_total{outcome="done", pods="x"}'), [
    'pulling_agent_settled_total{outcome="done"}',
    "pulling_agent_settled_total{pods}",
  ]);
});

Deno.test("Dashboard: panels ask for metrics, labels and values that agents have, and explain themselves", async () => {
  const { panels } = await dashboard();
  for (const { title, description, targets } of panels) {
    assert(description && description.length > 40, title);
    assertGreater(targets!.length, 0, title);
    for (const { expr } of targets!) assertEquals(unknownIn(expr), [], title);
  }
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
});

Deno.test("Dashboard: every instrument is on a panel", async () => {
  const { text } = await dashboard();
  const missing = instruments.filter((each) => !names(each).some((name) => text.includes(name)));
  assertEquals(missing.map(({ name }) => name), []);
});

Deno.test("Dashboard: the data source is a variable in every place", async () => {
  const { text, panels } = await dashboard();
  const uids = [...text.matchAll(/"uid": "([^"]*)"/g)].map(([, uid]) => uid);
  assertEquals([...new Set(uids)].sort(), ["${datasource}", "pulling-agent"]);
  assertEquals(text.includes("__inputs"), false);
  for (const { datasource, targets } of panels) {
    assert(datasource);
    for (const target of targets!) assert(target.datasource);
  }
});

Deno.test("plainRules refuses a manifest in which something follows spec", () => {
  assertEquals(plainRules("kind: X\nspec:\n  groups:\n    # why\n    - name: a\n").split("\n").slice(-4), [
    "groups:",
    "  # why",
    "  - name: a",
    "",
  ]);
  assertThrows(() => plainRules("kind: X\n"), Error, "has to end with `spec:`");
  assertThrows(() => plainRules("kind: X\nspec:\n  a: 1\nstatus: {}\n"), Error, "has to end with `spec:`");
});
