import { UsageError } from "../../agent/errors.ts";
import { readText } from "../try/file_text.ts";

/** What a manifest says of the agent's pod. */
export interface PodFacts {
  /** For kubectl: the kind and the name, such as `deployment/pulling-agent`. */
  readonly object: string;
  readonly namespace: string | undefined;
  readonly container: string;
  /** The path of the pod's `spec` in the object. */
  readonly specPath: readonly string[];
  /** How long a pod may take to end before it is killed, in milliseconds. */
  readonly gracePeriodMs: number;
  /** How much of it a hook of the container sleeps before the agent is told to stop, in milliseconds. */
  readonly preStopMs: number;
  /** The memory that the container may use, in bytes; undefined without a limit. */
  readonly memoryLimitBytes: number | undefined;
}

/** What Kubernetes gives a pod that asks for no other period, in seconds. */
const DEFAULT_GRACE_S = 30;

/** Where objects of each kind keep the `spec` of their pods. */
const SPEC_PATHS: Record<string, readonly string[]> = {
  Pod: ["spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

/**
 * Reads the object that makes the agent's pods, as `kubectl get deployment NAME -o json` prints it; `-` is standard input.
 *
 * @throws {UsageError} If it is no such object.
 */
export async function podFacts(path: string): Promise<PodFacts> {
  const text = await readText({ path, said: `--pod ${path}` });
  let object: Fields;
  try {
    object = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--pod ${path} is no JSON: ${HOW}`, { cause: error });
  }
  const single = object?.kind === "List" && object.items?.length === 1 ? object.items[0] : object;
  const specPath = SPEC_PATHS[single?.kind];
  const spec = specPath?.reduce((value: Fields, name) => value?.[name], single);
  const containers = spec?.containers as Fields[] | undefined;
  if (specPath === undefined || !Array.isArray(containers) || containers.length === 0) {
    throw new UsageError(`--pod ${path} holds no object that makes pods: ${HOW}`);
  }
  const isAgent = ({ name, image, env }: Fields) =>
    /pulling-agent/.test(`${name} ${image}`) ||
    env?.some?.(({ name }: Fields) => /^MONGODB_(DATABASE|COLLECTION)$/.test(name));
  const container = containers.find(isAgent) ?? containers[0]!;
  const { metadata } = single;
  return {
    object: `${String(single.kind).toLowerCase()}/${metadata?.name}`,
    namespace: metadata?.namespace,
    container: String(container.name),
    specPath,
    gracePeriodMs: 1000 * (spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S),
    preStopMs: 1000 * (container.lifecycle?.preStop?.sleep?.seconds ?? 0),
    memoryLimitBytes: bytesOf(container.resources?.limits?.memory),
  };
}

const HOW = "give what kubectl get deployment/NAME -o json prints";

// deno-lint-ignore no-explicit-any -- a manifest of a user's: each field is asked for as it comes
type Fields = any;

const UNITS: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity of Kubernetes, such as `512Mi`, in bytes. */
function bytesOf(quantity: unknown): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([kMGT]i?|Ki)?$/.exec(String(quantity ?? "")) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? 1);
}
