/**
 * A namespace of a real cluster with the agent in it, as the manifests deploy it.
 *
 * @module
 */

import { type Collection, MongoClient } from "mongodb";
import type { Status } from "../../health/status.ts";
import { type KubernetesObject, manifestsIn, objectsIn } from "../support/manifests.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const CONTEXT = required("KUBE_CONTEXT");
const IMAGE = required("IMAGE");
const MONGODB_URI = required("TEST_K8S_MONGODB_URI");
/** The database that all namespaces share. */
export const DATABASE = "pulling_agent_k8s";
/** How long a cluster may take for anything. */
const TIMEOUT_MS = 420_000;
/** Each look starts kubectl, and often a process in a pod: oftener, they would take the processor from what is awaited. */
const LOOK_EVERY_MS = 1000;

/** The name of the dashboard's Deployment, label and secret. */
export const DASHBOARD = "pulling-agent-dashboard";

/** How a command ended. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

interface Document {
  _id: number;
  status: string;
  runs?: number;
  _pull?: { attempts: number };
}

/** What a test may change about the deployment. */
export interface DeployOptions {
  env?: Record<string, string>;
  replicas?: number;
  /** The source of a processor module. */
  module?: string;
}

function required(name: string): string {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`${name} is not set: run this by make test-k8s`);
  return value;
}

async function run(program: string, args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: ROOT }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Waits as long as a cluster may take. */
export function untilCluster<T>(what: string, look: () => Promise<T>): Promise<NonNullable<T>> {
  return waitFor(what, look, { timeoutMs: TIMEOUT_MS, everyMs: LOOK_EVERY_MS });
}

/** Use {@linkcode Namespace.make}; `await using` removes it and all that is in it. */
export class Namespace implements AsyncDisposable {
  readonly name: string;
  readonly #client = new MongoClient(MONGODB_URI);

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes a namespace that enforces Pod Security "restricted", with the secret that the agents need. */
  static async make(purpose: string): Promise<Namespace> {
    const namespace = new Namespace(`pulling-agent-${purpose}-${crypto.randomUUID().slice(0, 8)}`);
    await run("kubectl", ["--context", CONTEXT, "create", "namespace", namespace.name]);
    await namespace.kubectl(
      "label",
      "namespace",
      namespace.name,
      "pod-security.kubernetes.io/enforce=restricted",
    );
    await namespace.kubectl(
      ...["create", "secret", "generic", "mongodb-secret", `--from-literal=uri=${MONGODB_URI}`],
    );
    // No agent makes it: without it none gets ready.
    await namespace.#client.db(DATABASE).createCollection(namespace.name);
    return namespace;
  }

  /** The collection that the agents of this namespace pull from. */
  get documents(): Collection<Document> {
    return this.#client.db(DATABASE).collection<Document>(this.name);
  }

  /** Inserts pending documents. */
  async insert(count: number, from = 1): Promise<void> {
    const documents = Array.from({ length: count }, (_, i) => ({ _id: from + i, status: "pending" }));
    await this.documents.insertMany(documents);
  }

  /** Resolves once nothing is left to do. */
  async untilProcessed(count: number): Promise<void> {
    await untilCluster(
      `${count} processed documents`,
      async () => await this.documents.countDocuments({ status: "processed" }) === count,
    );
  }

  /** Runs kubectl here; a failure is an error. */
  async kubectl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} failed: ${stdout}${stderr}`);
    return stdout;
  }

  /** Runs kubectl here. */
  async try(...args: string[]): Promise<Result> {
    return await run("kubectl", ["--context", CONTEXT, "--namespace", this.name, ...args]);
  }

  /** Applies an object. */
  async apply(object: KubernetesObject): Promise<void> {
    await using folder = await TempDir.make();
    await this.kubectl("apply", "-f", await folder.write("object.json", JSON.stringify(object)));
  }

  /** Runs scripts/control-agent.sh here. */
  async control(...args: string[]): Promise<Result> {
    return await run("sh", [
      "scripts/control-agent.sh",
      ...["--context", CONTEXT, "--namespace", this.name],
      ...args,
    ]);
  }

  /** Runs make here. */
  async make(...args: string[]): Promise<Result> {
    return await run("make", [...args, `CONTEXT=${CONTEXT}`, `NAMESPACE=${this.name}`]);
  }

  /**
   * Applies the folder k8s/, with what is the test's own: image, collection, settings. As it stands it would have the
   * agents pull from another test's collection.
   */
  async deploy({ env = {}, replicas = 1, module }: DeployOptions = {}): Promise<void> {
    const objects = await objectsIn(...await manifestsIn("k8s"));
    const { spec } = objects.find(({ kind }) => kind === "Deployment")!;
    const [container] = spec.template.spec.containers;
    spec.replicas = replicas;
    this.#adapt(container, {
      ...(module && { PROCESSOR: "module:/etc/pulling-agent/processor.js" }),
      ...env,
    });
    if (module) {
      container.volumeMounts.push({ name: "processor", mountPath: "/etc/pulling-agent" });
      spec.template.spec.volumes.push({ name: "processor", configMap: { name: "processor" } });
      const metadata = { name: "processor" };
      await this.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "processor.js": module } });
    }
    await using folder = await TempDir.make();
    for (const object of objects) await folder.write(`${object.kind}.json`, JSON.stringify(object));
    await this.kubectl("apply", "-f", folder.path);
  }

  /**
   * Applies k8s/examples/dashboard.yaml for the collection of this namespace, and waits until it is ready. Its secret has to
   * be there.
   */
  async deployDashboard(...options: string[]): Promise<void> {
    const [deployment] = await objectsIn("k8s/examples/dashboard.yaml");
    const [container] = deployment!.spec.template.spec.containers;
    this.#adapt(container, {});
    container.args.push(...options);
    await this.apply(deployment!);
    await this.kubectl("rollout", "status", `deployment/${DASHBOARD}`, "--timeout=240s");
  }

  /** Writes the secret of the dashboard, and makes the node look at it at once if its pod runs. */
  async writeDashboardSecret(values: { token: string; uri: string }): Promise<void> {
    const made = await this.kubectl(
      ...["create", "secret", "generic", DASHBOARD, `--from-literal=token=${values.token}`],
      ...[`--from-literal=uri=${values.uri}`, "-o", "json", "--dry-run=client"],
    );
    await this.apply(JSON.parse(made));
    await this.kubectl("annotate", "pods", "-l", `app=${DASHBOARD}`, "--overwrite", `test/at=${Date.now()}`);
  }

  /** Runs a command on the database as its administrator. */
  async administer(command: Record<string, unknown>): Promise<void> {
    await this.#client.db("admin").command(command);
  }

  /** How kubectl is called for this namespace, for a terminal. */
  get kubectlWords(): string[] {
    return ["kubectl", "--context", CONTEXT, "--namespace", this.name];
  }

  /** Runs the Job of k8s/examples/job.yaml to its end, on the collection of this namespace. */
  async runJob(): Promise<void> {
    const [job] = await objectsIn("k8s/examples/job.yaml");
    this.#adapt(job!.spec.template.spec.containers[0], {});
    await this.apply(job!);
    await this.kubectl("wait", "--for=condition=complete", `job/${job!.metadata.name}`, "--timeout=240s");
  }

  /** Gives a container of the manifests the image and the collection of the tests. */
  #adapt(container: KubernetesObject, env: Record<string, string>): void {
    const settings = {
      MONGODB_DATABASE: DATABASE,
      MONGODB_COLLECTION: this.name,
      POLL_INTERVAL: "1",
      ...env,
    };
    container.image = IMAGE;
    container.env = [
      ...container.env.filter(({ name }: KubernetesObject) => !(name in settings)),
      ...Object.entries(settings).map(([name, value]) => ({ name, value })),
    ];
  }

  /** Resolves once every pod is ready and none is on its way out. */
  async untilRolledOut(): Promise<string[]> {
    await this.kubectl("rollout", "status", "deployment/pulling-agent", "--timeout=240s");
    return await untilCluster("only the new pods", async () => {
      const pods = await this.pods();
      const { spec, status } = JSON.parse(
        await this.kubectl("get", "deployment/pulling-agent", "-o", "json"),
      );
      const all = await this.kubectl("get", "pods", "-l", "app=pulling-agent", "-o", "name");
      const isSettled = all.trim().split("\n").length === spec.replicas &&
        status.readyReplicas === spec.replicas;
      return isSettled ? pods : undefined;
    });
  }

  /** Names of the pods that run. */
  async pods(): Promise<string[]> {
    const names = await this.kubectl(
      ...["get", "pods", "-l", "app=pulling-agent", "--field-selector=status.phase=Running"],
      ...["-o", "jsonpath={.items[*].metadata.name}"],
    );
    return names.split(" ").filter((name) => name !== "");
  }

  /** What is known of a container of a pod. */
  // deno-lint-ignore no-explicit-any
  async container(pod: string): Promise<any> {
    return JSON.parse(await this.kubectl("get", "pod", pod, "-o", "json")).status.containerStatuses[0];
  }

  /** Runs a command of the agent in a pod. */
  async agent(pod: string, ...args: string[]): Promise<Result> {
    return await this.try("exec", pod, "--", "pulling-agent", ...args);
  }

  /** What an agent says of itself. */
  async status(pod: string): Promise<Status> {
    return JSON.parse((await this.agent(pod, "status", "--json")).stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.documents.drop().catch(() => {});
    for (const more of ["dead_letters", "agents"]) {
      await this.#client.db(DATABASE).collection(`${this.name}_${more}`).drop().catch(() => {});
    }
    await this.#client.close();
    await run("kubectl", ["--context", CONTEXT, "delete", "namespace", this.name, "--wait=false"]);
  }
}
