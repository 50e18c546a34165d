import type { Environment } from "../agent/settings/environment.ts";
import { readSetting } from "../agent/settings/load_settings.ts";
import { unreadable } from "./health_dir.ts";
import { ageMs, type Stamp, stampIn } from "./machine_time.ts";

/** A question that `health` answers, named as Kubernetes names its probes. */
export type Probe = "liveness" | "readiness" | "startup";

/** The answer to a probe, and the sentence with the reason. */
export interface ProbeAnswer {
  isYes: boolean;
  text: string;
}

/** Minimum age at which a heartbeat counts as missing, in milliseconds. */
const MIN_AGE_MS = 30_000;

/**
 * Answers a probe from the files alone. Each heartbeat renews liveness and readiness, and they are believed for the
 * time of a few heartbeats: a process that is frozen or was killed leaves its files behind.
 *
 * @throws {CommandError} If the directory cannot be read.
 */
export async function probe(name: Probe, env: Environment): Promise<ProbeAnswer> {
  const directory = readSetting("healthDir", env);
  const limitMs = Math.max(MIN_AGE_MS, 3 * readSetting("heartbeatIntervalMs", env));
  const path = `${directory}/${name}`;
  let written: Stamp;
  try {
    const { isFile, mtime } = await Deno.stat(path);
    if (!isFile) return { isYes: false, text: `${name}: no, ${path} is not a file` };
    written = stampIn(await Deno.readTextFile(path)) ?? { at: (mtime ?? new Date(0)).toISOString() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { isYes: false, text: `${name}: no, ${path} does not exist` };
    }
    throw unreadable(directory, error);
  }
  if (name === "startup") return { isYes: true, text: `${name}: yes` };
  const age = ageMs(written);
  const heartbeat = age === Infinity
    ? "the last heartbeat is from before the machine was started"
    : `the last heartbeat is ${(age / 1000).toFixed(1)} s old`;
  return age <= limitMs
    ? { isYes: true, text: `${name}: yes, ${heartbeat}` }
    : { isYes: false, text: `${name}: no, ${heartbeat} (at most ${limitMs / 1000} s)` };
}
