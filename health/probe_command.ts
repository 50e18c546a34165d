import { readSetting } from "../agent/load_settings.ts";

/** A question that `health` answers, named as Kubernetes names its probes. */
export type Probe = "liveness" | "readiness" | "startup";

/** How old a heartbeat may be at the least before liveness fails, in milliseconds. */
const MIN_AGE_MS = 30_000;

/** Answers a probe by the files alone. */
export async function probe(name: Probe, env: (variable: string) => string | undefined): Promise<boolean> {
  const directory = readSetting("healthDir", env);
  const path = `${directory}/${name}`;
  let writtenAt: Date | null;
  try {
    writtenAt = (await Deno.stat(path)).mtime;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return say(false, `${name}: no, ${path} does not exist`);
  }
  if (name !== "liveness") return say(true, `${name}: yes`);
  const ageMs = Date.now() - (writtenAt?.getTime() ?? 0);
  const limitMs = Math.max(MIN_AGE_MS, 3 * readSetting("heartbeatIntervalMs", env));
  const isAlive = ageMs <= limitMs;
  const age = `the last heartbeat is ${(Math.max(0, ageMs) / 1000).toFixed(1)} s old`;
  return say(
    isAlive,
    isAlive ? `liveness: yes, ${age}` : `liveness: no, ${age} (at most ${limitMs / 1000} s)`,
  );
}

function say(answer: boolean, text: string): boolean {
  console.log(text);
  return answer;
}
