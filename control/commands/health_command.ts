import { confirmations } from "../../agent/telemetry/remarks.ts";
import { command } from "./command.ts";

/** Answers the probes of Kubernetes. It runs every few seconds: it loads the health files' reader and nothing else. */
export const healthCommand = command({
  name: "health",
  doc: "Answer a probe from the health files alone: exit with 0 for yes, 1 for no.",
  also: ["probe", "healthz"],
  words: {
    liveness: { also: ["live", "alive"] },
    readiness: { also: ["ready"] },
    startup: { also: ["started"] },
  },
  async run({ word }, env) {
    const { probe } = await import("../../health/probe.ts");
    const { isYes, text } = await probe(word!, env);
    confirmations.say(text);
    return isYes ? 0 : 1;
  },
});
