import { dirname } from "node:path";
import { shellWord } from "../../shell_word.ts";
import { concern } from "../concern.ts";
import { byHand, setting, shell } from "../steps.ts";

/** Health files are rewritten all the time, and need this much room at least, in bytes. */
const LEAST_FREE_BYTES = 1024 * 1024;

/** The files by which the agent is watched and controlled. */
export const files = concern({
  name: "files",
  doc:
    "HEALTH_DIR: writable, with room, on a disk of its own, used by no other agent; CONTROL_FILE: what it says",
  findings: {
    health_dir: { level: "stops", doc: "The agent cannot write its health files, and does not start." },
    health_dir_used: { level: "stops", doc: "Another agent has the directory: a second one does not start." },
    disk_full: {
      level: "hurts",
      doc: "Health files cannot be written: probes fail, and Kubernetes restarts the pod.",
    },
    remote_disk: { level: "hurts", doc: "The files are on another machine: if it hangs, probes fail." },
    paused_by_file: { level: "hurts", doc: "The control file says `pause`: the agent claims nothing." },
    control_file: {
      level: "hurts",
      doc: "The control file says neither `pause` nor `resume`: it controls nothing.",
    },
  },
  *look({ control, health, settings: { agentName } }) {
    const other = health.agent?.isAlive ? health.agent.status.name : undefined;
    if (other !== undefined && other !== agentName) {
      yield {
        is: "health_dir_used",
        says:
          `The health directory ${health.path} is used by the agent ${other}, and this one is ${agentName}`,
        steps: [setting("HEALTH_DIR", `${health.path.replace(/\/$/, "")}-${agentName}`)],
      };
    }
    if (health.problem !== undefined && other === undefined) {
      yield {
        is: "health_dir",
        says: `The health directory ${health.path} cannot be written: ${health.problem}`,
        steps: [setting("HEALTH_DIR", "/tmp/health")],
      };
    }
    const { freeBytes = Infinity, isRemote = false } = health.disk ?? {};
    if (freeBytes < LEAST_FREE_BYTES && health.problem === undefined) {
      yield {
        is: "disk_full",
        says: `The disk of the health directory ${health.path} is full`,
        steps: [shell(`df -h ${shellWord(health.path)}`), byHand("make room there, or mount an emptyDir")],
      };
    }
    if (isRemote) {
      yield {
        is: "remote_disk",
        says: `The health directory ${health.path} is on a disk of another machine`,
        steps: [setting("HEALTH_DIR", "/tmp/health")],
      };
    }
    const { content, path, problem } = control;
    const resume = shell(`mkdir -p ${shellWord(dirname(path))} && echo resume > ${shellWord(path)}`);
    const inKubernetes = byHand("in Kubernetes the file comes from a ConfigMap: make k8s-resume");
    if (content?.toLowerCase() === "pause") {
      yield {
        is: "paused_by_file",
        says: `The control file ${path} says pause: an agent that starts claims nothing`,
        steps: [resume, inKubernetes],
      };
    } else if (problem !== undefined || (content !== undefined && content.toLowerCase() !== "resume")) {
      const what = problem ??
        (content === "" ? "it is empty" : `it says ${JSON.stringify(content?.slice(0, 40))}`);
      yield {
        is: "control_file",
        says: `The control file ${path} controls nothing: ${what}`,
        steps: [resume, inKubernetes],
      };
    }
  },
});
