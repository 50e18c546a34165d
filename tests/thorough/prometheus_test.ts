import { assertEquals, assertGreater } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { upTo } from "../support/documents.ts";
import { DOCUMENTS, testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { PROMETHEUS, Prometheus } from "../support/prometheus.ts";
import { waitFor } from "../support/wait.ts";

const K8S = new URL("../../k8s/monitoring/", import.meta.url).pathname;
const ALL: Record<string, string> = {
  $__rate_interval: "10s",
  $namespace: ".*",
  $job: ".*",
  $app: ".*",
  $collection: ".*",
};

/** The queries of all panels, with everything selected. */
async function queries(): Promise<{ title: string; expr: string }[]> {
  const { panels } = JSON.parse(await Deno.readTextFile(`${K8S}dashboard.json`));
  return panels.flatMap(({ title, targets = [] }: { title: string; targets?: { expr: string }[] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: Object.entries(ALL).reduce((text, [name, value]) => text.replaceAll(name, value), expr),
    }))
  );
}

function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

Deno.test({
  name: "Dashboard: every panel shows something of real agents in a real Prometheus, and every rule works",
  ignore: await isMissing(PROMETHEUS),
  fn: async () => {
    await using db = await testDatabase("prometheus");
    const ports = [freePort(), freePort()];
    // One of three fails for good, and there are always some that wait.
    const module = `
      export default async (document) => {
        await new Promise((done) => setTimeout(done, 20));
        if (document.n % 3 === 0) throw new Error("no such order");
      };`;
    const env = { MAX_ATTEMPTS: "2", BATCH_SIZE: "5", CONCURRENCY: "1", RATE_LIMIT: "30" };
    // ObjectIds, which tell the age of the oldest.
    await db.db.collection(DOCUMENTS).insertMany(upTo(5000).map((n) => ({ status: "pending", n })));
    const homes = await Promise.all(
      ports.map((port) => agentHome({ db, module, env: { ...env, METRICS_PORT: String(port) } })),
    );
    await using first = homes[0]!;
    await using second = homes[1]!;
    await first.startReady();
    const paused = await second.startReady();
    await using prometheus = await Prometheus.start({
      targets: ports.map((port, n) => ({
        port,
        labels: {
          namespace: "shop",
          app: "orders",
          pod: `orders-${n}`,
          app_kubernetes_io_component: "worker",
        },
      })),
      rules: `${K8S}rules.yaml`,
    });
    assertEquals((await second.run("pause")).code, 0);
    const all = (await queries()).filter(({ expr }) => !expr.startsWith("ALERTS"));
    assertGreater(all.length, 30);

    // The backlog is looked at every 30 s.
    let empty: string[] = [];
    await waitFor("each panel to show something", async () => {
      const answers = await Promise.all(all.map(async ({ title, expr }) => ({
        title: `${title}: ${expr}`,
        samples: await prometheus.query(expr),
      })));
      empty = answers.filter(({ samples }) => samples.every(({ value }) => Number.isNaN(value)))
        .map(({ title }) => title);
      return empty.length === 0;
    }, { timeoutMs: 180_000 }).catch((error) => {
      throw new Error(`These show nothing:\n${empty.join("\n")}`, { cause: error });
    });

    const value = async (expr: string) => (await prometheus.query(expr))[0]!.value;
    assertEquals(await value("sum(pulling_agent_ready)"), 1);
    assertEquals(await value('sum(pulling_agent_paused{source="signal"})'), 1);
    assertGreater(await value('sum(pulling_agent_settled_total{outcome="dead_lettered"})'), 0);
    assertGreater(await value("max(pulling_agent_oldest_claimable_seconds)"), 0);
    const broken = (await prometheus.rules()).filter(({ health }) => health !== "ok");
    assertEquals(broken, []);
    // A letter is there, and one attempt of three failed.
    const firing = async () =>
      (await prometheus.query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric.alertname).sort();
    await waitFor(
      "the alert on letters",
      async () => (await firing()).includes("PullingAgentDeadLettersGrowing"),
    );
    assertEquals(await firing(), ["PullingAgentDeadLettersGrowing"]);
    paused.signal("SIGTERM");
    await paused.exit();
  },
});
