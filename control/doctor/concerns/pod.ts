import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { shellWord } from "../../shell_word.ts";
import { concern, type Step } from "../concern.ts";
import type { PodFacts } from "../pod_facts.ts";
import { seconds, setting, shell } from "../steps.ts";

const MIB = 2 ** 20;
/** What the agent takes after SHUTDOWN_TIMEOUT at most, in milliseconds. */
const LAST_STEPS_MS = 5000;
/** What the process takes besides its heap, in bytes: code, buffers, the driver. */
const BESIDE_HEAP_BYTES = 128 * MIB;

/** The pod that the agent runs in, as its manifest describes it. */
export const pod = concern({
  name: "pod",
  doc: "grace period and memory of the pod, beside SHUTDOWN_TIMEOUT and the heap",
  findings: {
    grace_period: {
      level: "hurts",
      doc:
        "Kubernetes kills the pod before the agent has released its documents: they wait for their leases to end.",
    },
    memory_limit: { level: "hurts", doc: "The container is killed before the heap reaches its own limit." },
  },
  *look({ heapLimitMiB, pod, settings: { shutdownTimeoutMs } }) {
    if (pod === undefined) return yield UNKNOWN;
    const neededMs = pod.preStopMs + shutdownTimeoutMs + LAST_STEPS_MS;
    if (pod.gracePeriodMs <= neededMs) {
      const leftMs = pod.gracePeriodMs - pod.preStopMs - LAST_STEPS_MS - 1000;
      const hook = pod.preStopMs > 0 ? ` behind a hook of ${seconds(pod.preStopMs)} s` : "";
      const lower = leftMs > 0 ? [setting("SHUTDOWN_TIMEOUT", seconds(leftMs))] : [];
      yield {
        is: "grace_period",
        says: `The grace period of ${pod.object} is ${seconds(pod.gracePeriodMs)} s: SHUTDOWN_TIMEOUT ` +
          `(${seconds(shutdownTimeoutMs)} s)${hook} needs more than ${seconds(neededMs)} s`,
        steps: isPod(pod) ? lower : [
          patch(pod, { terminationGracePeriodSeconds: Math.ceil((neededMs + LAST_STEPS_MS) / 1000) }),
        ],
      };
    }
    const neededBytes = heapLimitMiB * MIB + BESIDE_HEAP_BYTES;
    const { container: name, memoryLimitBytes = Infinity } = pod;
    if (memoryLimitBytes < neededBytes) {
      const memory = `${Math.ceil(neededBytes / MIB / 128) * 128}Mi`;
      yield {
        is: "memory_limit",
        says:
          `The container ${name} of ${pod.object} may use ${
            Math.floor(memoryLimitBytes / MIB)
          } MiB: the heap alone ` +
          `may grow to ${heapLimitMiB} MiB`,
        steps: isPod(pod) ? [] : [patch(pod, { containers: [{ name, resources: { limits: { memory } } }] })],
      };
    }
  },
});

const UNKNOWN = new Unseen("a pod cannot tell its own: give its manifest with --pod FILE");

/** Nothing can be changed about a pod that runs. */
function isPod({ specPath }: PodFacts): boolean {
  return specPath.length === 1;
}

function patch({ namespace, object, specPath }: PodFacts, spec: unknown): Step {
  const body = [...specPath].reverse().reduce((value: unknown, name) => ({ [name]: value }), spec);
  const where = namespace === undefined ? "" : ` --namespace ${shellWord(namespace)}`;
  return shell(`kubectl patch ${shellWord(object)}${where} --patch ${shellWord(JSON.stringify(body))}`);
}
