/** The dashboard of k8s/examples on a real cluster. Run it by `make test-k8s`. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { OverviewAnswer } from "../../control/dashboard/api.ts";
import { Gateway } from "./gateway.ts";
import { DASHBOARD, DATABASE, Namespace, untilCluster } from "./namespace.ts";
import { PortForward } from "./port_forward.ts";

const OPTIONS = { sanitizeResources: false, sanitizeOps: false };
const MONGODB_URI = Deno.env.get("TEST_K8S_MONGODB_URI")!;
const PORT = 7979;

/** Asks the interface; a body makes it a POST. */
async function ask(url: string, path: string, token?: string, body?: unknown) {
  const answer = await fetch(`${url}api/${path}`, {
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
  });
  return { status: answer.status, body: await answer.json() };
}

/** The connection string of another user. */
function uriOf(user: string, password: string): string {
  const uri = MONGODB_URI.replace(/^(mongodb(?:\+srv)?:\/\/)(?:[^@/]*@)?/, `$1${user}:${password}@`);
  return `${uri}${uri.includes("?") ? "&" : "?"}authSource=admin`;
}

/** Makes the database user of docs/dashboard.md; `await using` removes it. Undefined if this is not allowed. */
async function readingUser(namespace: Namespace): Promise<{ uri: string } & AsyncDisposable | undefined> {
  const { name } = namespace;
  const collections = [name, `${name}_dead_letters`, `${name}_agents`];
  const privileges = collections.map((collection) => ({
    resource: { db: DATABASE, collection },
    actions: ["find"],
  }));
  const password = crypto.randomUUID();
  try {
    await namespace.administer({ createRole: name, privileges, roles: [] });
    await namespace.administer({ createUser: name, pwd: password, roles: [name] });
  } catch (error) {
    console.log(
      `SKIP the dashboard's own user, TEST_K8S_MONGODB_URI may make none (${error}), give one of an administrator`,
    );
    return undefined;
  }
  return {
    uri: uriOf(name, password),
    async [Symbol.asyncDispose]() {
      await namespace.administer({ dropUser: name });
      await namespace.administer({ dropRole: name });
    },
  };
}

async function podOf(namespace: Namespace): Promise<string> {
  return (await namespace.kubectl(
    "get",
    "pods",
    "-l",
    `app=${DASHBOARD}`,
    "-o",
    "jsonpath={.items[0].metadata.name}",
  ))
    .trim();
}

Deno.test(
  "the dashboard shows the agents through port-forward alone, lets in the token, and changes nothing as a user that may only read",
  OPTIONS,
  async () => {
    await using namespace = await Namespace.make("dashboard");
    await using user = await readingUser(namespace);
    if (user === undefined) return;
    const token = crypto.randomUUID();
    await namespace.deploy({ replicas: 2 });
    const agents = await namespace.untilRolledOut();
    await namespace.writeDashboardSecret({ token, uri: user.uri });
    await namespace.deployDashboard("--allow-actions");
    {
      await using forward = await PortForward.open(namespace, `deployment/${DASHBOARD}`, PORT);
      const { url } = forward;
      assertStringIncludes((await (await fetch(url)).text()).toLowerCase(), "<!doctype html>");
      for (const wrong of [undefined, "another-token-0123456789"]) {
        assertEquals((await ask(url, "overview", wrong)).status, 401);
      }
      const { overview } = await untilCluster("the agents", async () => {
        const { body } = await ask(url, "overview", token) as { body: OverviewAnswer };
        return body.overview?.agents.length === agents.length ? body : undefined;
      });
      assertEquals(overview!.agents.map(({ name }) => name).toSorted(), agents.toSorted());
      const refused = await ask(url, "pause", token, { by: "Ada", reason: "the test wants it" });
      assertEquals(refused, {
        status: 403,
        body: {
          error: {
            kind: "forbidden",
            text:
              `The database user ${namespace.name} may only read: to act from here, start the dashboard with a user that may write`,
          },
        },
      });
      // A browser opens connections that it never uses, and gives up others: kubectl has to go on.
      const idle = await Promise.all(
        Array.from({ length: 4 }, () => Deno.connect({ hostname: "127.0.0.1", port: forward.port })),
      );
      for (const connection of idle.slice(0, 2)) {
        await connection.write(
          new TextEncoder().encode("GET / nonsense\r\n\r\nmore"),
        );
      }
      for (const connection of idle) connection.close();
      assertEquals((await ask(url, "overview", token)).status, 200);
    }
    // Another pod finds nothing at its address.
    const pod = await podOf(namespace);
    const address = await namespace.kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}");
    const [agent] = agents as [string, string];
    const other = await namespace.agent(agent, "dashboard", "--probe", "--listen", `${address}:${PORT}`);
    assertEquals(other.code, 1);
    assertStringIncludes(other.stdout, `nothing listens on ${address}:${PORT}`);
    const own = await namespace.try("exec", pod, "--", "pulling-agent", "dashboard", "--probe");
    assertEquals([own.code, own.stdout], [0, `dashboard: yes, it answers at http://127.0.0.1:${PORT}/\n`]);

    const status = await namespace.control("status");
    assertEquals(status.code, 0, status.stderr);
    assertStringIncludes(status.stdout, "Running pods: 2\n");
    assertStringIncludes(status.stdout, " has 2 agents");
    await untilCluster(
      "the budget to count the agents",
      async () =>
        await namespace.kubectl("get", "pdb/pulling-agent", "-o", "jsonpath={.status.expectedPods}") === "2",
    );
    // A pod that is replaced: the forward has to be opened again, and that is all.
    await namespace.kubectl("delete", "pod", pod);
    await namespace.kubectl("rollout", "status", `deployment/${DASHBOARD}`, "--timeout=240s");
    await using again = await PortForward.open(namespace, `deployment/${DASHBOARD}`, PORT);
    assertEquals((await ask(again.url, "overview", token)).status, 200);
  },
);

Deno.test(
  "the dashboard starts while MongoDB is away, tells it, goes on, and takes another token without a restart",
  OPTIONS,
  async () => {
    await using namespace = await Namespace.make("dashboard-outage");
    await using gateway = Gateway.open(MONGODB_URI);
    if (!gateway) {
      console.log(
        "SKIP the outage, TEST_K8S_MONGODB_URI is no address of this machine, so it cannot be cut off",
      );
      return;
    }
    gateway.close();
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()] as const;
    await namespace.kubectl("apply", "-f", "k8s/serviceaccount.yaml");
    await namespace.writeDashboardSecret({ token: first, uri: gateway.uri });
    await namespace.deployDashboard();
    const pod = await podOf(namespace);
    await using forward = await PortForward.open(namespace, `pod/${pod}`, PORT);
    const seen = (what: string, token: string, isWanted: (answer: OverviewAnswer) => boolean) =>
      untilCluster(what, async () => {
        const { body, status } = await ask(forward.url, "overview", token);
        return status === 200 && isWanted(body) ? body : undefined;
      });
    await seen("the trouble", first, ({ overview, trouble }) => overview === null && trouble !== null);
    await untilCluster(
      "a line of the log",
      async () => (await namespace.kubectl("logs", pod)).includes("MongoDB is out of reach"),
    );
    gateway.reopen();
    await seen("the overview", first, ({ overview, trouble }) => overview !== null && trouble === null);
    await namespace.writeDashboardSecret({ token: second, uri: gateway.uri });
    await seen("the overview with the new token", second, ({ overview }) => overview !== null);
    assertEquals((await ask(forward.url, "overview", first)).status, 401);
    const { restartCount, state } = await namespace.container(pod);
    assertEquals(restartCount, 0);
    assert(state.running);
    assertEquals((await namespace.kubectl("logs", pod)).includes(first), false);
  },
);
