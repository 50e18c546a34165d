/**
 * Tries alerts with promtool: given series over time, is an alert firing at a moment?
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type KubernetesObject, objectsIn, SCHEMAS } from "./manifests.ts";
import { isMissing, type Requirement } from "./optional.ts";
import { TempDir } from "./temp_dir.ts";

/** Checking rules, and running them on series. */
export const PROMTOOL: Requirement = {
  what: "tests of the alerts",
  why: "promtool is not installed",
  install: "sh scripts/ci_tools.sh installs it",
  probe: ["promtool", "--version"],
};

/** Series and their values, one a minute, in promtool's notation: `1x3` is four times 1, `_x3` three times nothing. */
export type Series = Record<string, string>;

/** An alert that has to fire, with the labels that it gets besides its severity, and the end of its description. */
export interface Firing {
  labels: Record<string, string>;
  says: string;
}

/** What an alert does on some series. */
export interface AlertCase {
  title: string;
  series: Series;
  /** By minute: what has to fire then. */
  at: Record<number, Firing[]>;
}

/** What the alerts call a Deployment in these cases. */
export const FLEET = { namespace: "shop", job: "shop/pulling-agent", app: "orders" };
const OF_FLEET = 'namespace="shop",job="shop/pulling-agent",app="orders"';

/** The labels that Prometheus puts on each series of an agent's pod. */
function pod(n: number, more = ""): string {
  return `${OF_FLEET},app_kubernetes_io_component="worker",pod="orders-${n}",instance="10.0.0.${n}:9464"${more}`;
}

/** The labels of an alert on one pod. */
export function podLabels(n: number): Record<string, string> {
  return {
    ...FLEET,
    app_kubernetes_io_component: "worker",
    pod: `orders-${n}`,
    instance: `10.0.0.${n}:9464`,
  };
}

/** One series of several pods, each with values of its own. */
export function ofPods(name: string, values: string[], labels = ""): Series {
  return Object.fromEntries(values.map((each, n) => [`${name}{${pod(n + 1, labels)}}`, each]));
}

let read: Promise<KubernetesObject[]> | undefined;

/** The rules of the manifest. */
function rules(): Promise<KubernetesObject[]> {
  return read ??= readRules();
}

async function readRules(): Promise<KubernetesObject[]> {
  const [manifest] = await objectsIn("k8s/monitoring/prometheusrule.yaml");
  return manifest!.spec.groups.flatMap(({ rules }: KubernetesObject) => rules);
}

/** Makes a test of each alert. Its cases have to tell when it fires, and when it does not. */
export async function tryAlerts(all: Record<string, AlertCase[]>): Promise<void> {
  const ignore = await isMissing(PROMTOOL) || await isMissing(SCHEMAS);
  for (const [alert, cases] of Object.entries(all)) {
    const name = `Alerts: ${alert} fires if it has to, and only then`;
    Deno.test({ name, ignore, fn: () => tryAlert(alert, cases) });
  }
}

async function tryAlert(alert: string, cases: AlertCase[]): Promise<void> {
  const rule = (await rules()).find((each) => each.alert === alert);
  assert(rule, `there is no alert ${alert}`);
  const firing = cases.flatMap(({ at }) => Object.values(at)).map((each) => each.length > 0);
  assert(firing.includes(true) && firing.includes(false), `${alert} is tried firing and not firing`);
  const { severity } = rule.labels;
  const { summary, runbook_url } = rule.annotations;
  const expected = ({ labels, says }: Firing) => ({
    exp_labels: { severity, ...labels },
    exp_annotations: { summary, runbook_url, description: says },
  });
  await promtoolTest(
    cases.map(({ title, series, at }) => ({
      name: title,
      interval: "1m",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: Object.entries(at).map(([minute, alerts]) => ({
        eval_time: `${minute}m`,
        alertname: alert,
        exp_alerts: alerts.map(expected),
      })),
    })),
    [rule],
  );
}

/** Evaluates an expression of PromQL on series at a minute, and compares what it gives, without names. */
export async function tryExpression(
  expr: string,
  { series, minute, gives }: { series: Series; minute: number; gives: [labels: string, value: number][] },
): Promise<void> {
  await promtoolTest([{
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [{
      expr,
      eval_time: `${minute}m`,
      exp_samples: gives.map(([labels, value]) => ({ labels, value })),
    }],
  }]);
}

/** Only the rule that is tried, because promtool evaluates all that it is given for each minute of each case. */
async function promtoolTest(tests: unknown[], rules: unknown[] = []): Promise<void> {
  await using dir = await TempDir.make();
  // JSON is YAML.
  await dir.write("rules.json", JSON.stringify({ groups: [{ name: "tried", rules }] }));
  const file = await dir.write(
    "tests.json",
    JSON.stringify({ rule_files: ["rules.json"], evaluation_interval: "1m", tests }),
  );
  const { code, stdout, stderr } = await new Deno.Command("promtool", { args: ["test", "rules", file] })
    .output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
}
