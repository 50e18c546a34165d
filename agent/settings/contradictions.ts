import { resolve } from "node:path";
import { byteLength } from "../text/utf8.ts";
import { type Environment, textOf } from "./environment.ts";
import { fleetObstacles, MAX_NAMESPACE_BYTES } from "./fleet_settings.ts";
import type { Settings } from "./settings.ts";

/** The same of a sharded collection. Whether it is sharded or is to be is not known here. */
const MAX_SHARDED_NAMESPACE_BYTES = 235;
/** The agent keeps these in `HEALTH_DIR`: no other file may have such a name. */
const HEALTH_FILES = [
  ...["liveness", "readiness", "startup", "status.json", "metrics.prom", "agent.lock", "commands.lock"],
];

/** Settings that cannot go together: one sentence each. */
export function contradictions(values: Partial<Settings>, env: Environment): string[] {
  const { retryBackoffMs, retryBackoffMaxMs, healthDir, controlFile } = values;
  const found = [...collectionProblems(values, env), ...fleetProblems(values)];
  if (retryBackoffMs !== undefined && retryBackoffMaxMs !== undefined && retryBackoffMaxMs < retryBackoffMs) {
    found.push("RETRY_BACKOFF_MAX is below RETRY_BACKOFF: raise it to at least the same value");
  }
  if (healthDir !== undefined && controlFile !== undefined) {
    const [health, control] = [resolve(healthDir), resolve(controlFile)];
    if (health === control || HEALTH_FILES.some((file) => resolve(`${health}/${file}`) === control)) {
      found.push(
        `CONTROL_FILE is ${
          JSON.stringify(controlFile)
        }, which is a path of HEALTH_DIR's own: name another file`,
      );
    } else if (health.startsWith(`${control}/`)) {
      found.push("CONTROL_FILE is a directory that HEALTH_DIR is in: name a file");
    }
  }
  return found;
}

/** The collection of the fleet's agents has a fixed name, and no other use. */
function fleetProblems(values: Partial<Settings>): string[] {
  if (values.claimMode === "range") {
    const found = fleetObstacles(values, "CLAIM_MODE=range");
    if (values.fleet === "off") {
      found.push(
        "CLAIM_MODE is range, and FLEET is off: the agents have to see each other's mode, so leave FLEET out",
      );
    }
    return found;
  }
  if (values.rateLimit !== undefined && values.rateLimitScope === "fleet") {
    return fleetObstacles(values, "RATE_LIMIT_SCOPE=fleet");
  }
  return values.fleet === "on" ? fleetObstacles(values, "FLEET=on") : [];
}

function collectionProblems(values: Partial<Settings>, env: Environment): string[] {
  const { mongodbDatabase: database, mongodbCollection: source, deadLetterCollection: letters, writesTo } =
    values;
  // Without the collection, the letters have no default either: one sentence about it is enough.
  if (source === undefined || letters === undefined) return [];
  const found: string[] = [];
  if (source === letters) {
    found.push("DEAD_LETTER_COLLECTION is MONGODB_COLLECTION: name another collection for the dead letters");
  }
  if (writesTo?.includes(letters)) {
    found.push(
      `WRITES_TO names ${
        JSON.stringify(letters)
      }, the collection of the dead letters, which only the agent ` +
        "writes: leave it out",
    );
  }
  if (database === undefined) return found;
  const bytes = (collection: string) => byteLength(`${database}.${collection}`);
  const limit = `MongoDB takes at most ${MAX_NAMESPACE_BYTES} ` +
    `(${MAX_SHARDED_NAMESPACE_BYTES} if the collection is sharded), the name of the database and a dot included`;
  if (bytes(source) > MAX_NAMESPACE_BYTES) {
    found.push(`MONGODB_COLLECTION makes a name of ${bytes(source)} bytes: ${limit}`);
  } else if (bytes(letters) > MAX_NAMESPACE_BYTES) {
    const isGiven = textOf("DEAD_LETTER_COLLECTION", env) !== undefined;
    const [what, mend] = isGiven ? ["", ""] : [
      " is not set, and its default",
      `: set it to a shorter name`,
    ];
    found.push(`DEAD_LETTER_COLLECTION${what} makes a name of ${bytes(letters)} bytes: ${limit}${mend}`);
  }
  const long = writesTo?.find((name) => bytes(name) > MAX_NAMESPACE_BYTES);
  if (long !== undefined) {
    found.push(`WRITES_TO has a collection that makes a name of ${bytes(long)} bytes: ${limit}`);
  }
  return found;
}
