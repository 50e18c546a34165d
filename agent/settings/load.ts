import { resolve } from "node:path";
import { errorText, UsageError } from "../errors.ts";
import { secrets } from "../text/redact.ts";
import { type Host, type Setting, SETTINGS, type Settings } from "./settings.ts";
import { isNotFound, isPermissionDenied, NotAFileError, readFileOnce } from "../lib/read_file.ts";
import { byteLength } from "../text/utf8.ts";

/** The environment: a variable that is not set, or is blank, counts as absent. */
export type Environment = (variable: string) => string | undefined;

/** What reading the settings brought: values where they could be had, and everything that is wrong. */
export interface LoadedSettings {
  values: Partial<Settings>;
  /** One sentence each. Settings are complete exactly if there are none. */
  problems: string[];
  /** Odd, but not wrong. */
  warnings: string[];
}

/** Of a value that cannot be used so much is repeated, in UTF-16 units. */
const MAX_SHOWN = 80;

const ENTRIES = Object.entries(SETTINGS) as [keyof Settings, Setting<unknown>][];

/** Reads and checks all settings; finds every problem rather than the first. Never throws. */
export function loadSettings(env: Environment, host: Host = thisHost()): LoadedSettings {
  const values: Partial<Settings> = {};
  const problems: string[] = [];
  for (const [key, spec] of ENTRIES) {
    try {
      Object.assign(values, { [key]: key === "mongodbUri" ? uriOf(env) : valueOf(spec, env, values, host) });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  problems.push(...contradictions(values, env));
  // The connection string cannot be had either where the file that holds it is named wrongly.
  return { values, problems: [...new Set(problems)], warnings: oddities(values, env) };
}

/**
 * Reads one setting alone, for commands that must work even if the others are wrong.
 *
 * @throws {UsageError} Where its value is unusable.
 */
export function readSetting<K extends keyof Settings>(key: K, env: Environment): Settings[K] {
  try {
    return valueOf(SETTINGS[key] as Setting<Settings[K]>, env, {}, thisHost());
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function valueOf<T>(spec: Setting<T>, env: Environment, known: Partial<Settings>, host: Host): T {
  const given = textOf(spec.variable, env);
  if (given === undefined) {
    if (spec.fallback) return spec.fallback(known, host);
    if (spec.default !== undefined) return spec.parse(spec.default);
    throw new Error(`${spec.variable} is not set: ${requirement(spec)}`);
  }
  const shown = `${spec.variable} is ${JSON.stringify(secrets.text(given, MAX_SHOWN))}:`;
  // Any text is accepted here, and no operator means such a value.
  if (isServiceLink(given)) throw new Error(`${shown} ${SERVICE_LINK}`);
  try {
    return spec.parse(given);
  } catch (error) {
    throw new Error(`${spec.secret ? spec.variable : shown} ${(error as Error).message}`);
  }
}

/** Kubernetes sets variables such as `BILLING_PORT=tcp://10.0.0.1:80` for every Service of the namespace. */
function isServiceLink(given: string): boolean {
  return /^(tcp|udp|sctp):\/\/[^/@]+:\d+$/.test(given);
}

const SERVICE_LINK =
  "this is what Kubernetes sets for a Service of that name: set enableServiceLinks: false in the pod, or rename the Service";

function requirement(spec: Setting<unknown>): string {
  const examples: Record<string, string> = {
    MONGODB_URI: "set it (or MONGODB_URI_FILE) to a connection string, as mongodb://localhost:27017",
    MONGODB_DATABASE: "set it to the database to pull from",
    MONGODB_COLLECTION: "set it to the collection to pull from",
  };
  return examples[spec.variable] ?? `set it to ${spec.parse.accepts}`;
}

/** As much as is read of the file, in bytes: more than a connection string is long. */
const MAX_URI_BYTES = 64 * 1024;
/** A pipe in place of the file, such as a shell's `<(...)`, has this long to yield it, in milliseconds. */
const PIPE_WAIT_MS = 5000;

/** The connection string, from the variable or from the file that is named instead. */
function uriOf(env: Environment): string {
  const uri = textOf("MONGODB_URI", env);
  // Before anything can quote it.
  if (uri !== undefined) secrets.learn(uri);
  const file = valueOf(SETTINGS.mongodbUriFile, env, {}, thisHost());
  if (uri !== undefined && file !== undefined) {
    throw new Error("MONGODB_URI and MONGODB_URI_FILE are both set: keep one of them");
  }
  if (file === undefined) return valueOf(SETTINGS.mongodbUri, env, {}, thisHost());
  let content: string;
  try {
    content = readFileOnce(file, { maxBytes: MAX_URI_BYTES, pipeWaitMs: PIPE_WAIT_MS }).trim();
    secrets.learn(content);
  } catch (error) {
    throw new Error(
      `MONGODB_URI_FILE names ${JSON.stringify(secrets.text(file))}, which ${readProblem(error)}`,
    );
  }
  if (content === "") {
    throw new Error(
      `MONGODB_URI_FILE names ${
        JSON.stringify(secrets.text(file))
      }, which is empty: write the connection string into it`,
    );
  }
  return content;
}

function readProblem(error: unknown): string {
  if (isNotFound(error)) return "does not exist: mount it, or set MONGODB_URI";
  if (error instanceof NotAFileError) {
    const mend = error.message === "it is a directory"
      ? "the file in it"
      : "the file that holds the connection string";
    return `${error.message.replace(/^it /, "")}: name ${mend}`;
  }
  const mend = "give it the right to, with the mode of the file or of its volume (defaultMode, fsGroup)";
  return isPermissionDenied(error)
    ? `user ${Deno.uid()}, as whom the agent runs, cannot read: ${mend}`
    : `cannot be read (${errorText(error)}): name a file that holds the connection string`;
}

/** The longest full name of a collection, with its database and a dot, that a server takes, in bytes. */
const MAX_NAMESPACE_BYTES = 255;
/** What the agent keeps in `HEALTH_DIR`: nothing else may be called like that. */
const HEALTH_FILES = ["liveness", "readiness", "startup", "status.json", "agent.lock"];

function contradictions(values: Partial<Settings>, env: Environment): string[] {
  const { retryBackoffMs, retryBackoffMaxMs, healthDir, controlFile } = values;
  const found = collectionProblems(values, env);
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

function collectionProblems(values: Partial<Settings>, env: Environment): string[] {
  const { mongodbDatabase: database, mongodbCollection: source, deadLetterCollection: letters } = values;
  // Without the collection there is no default for the letters either: one sentence about it is enough.
  if (source === undefined || letters === undefined) return [];
  const found: string[] = [];
  if (source === letters) {
    found.push("DEAD_LETTER_COLLECTION is MONGODB_COLLECTION: name another collection for the dead letters");
  }
  if (database === undefined) return found;
  const bytes = (collection: string) => byteLength(`${database}.${collection}`);
  const limit = `MongoDB takes at most ${MAX_NAMESPACE_BYTES}, the name of the database and a dot included`;
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
  return found;
}

function oddities({ batchSize, concurrency }: Partial<Settings>, env: Environment): string[] {
  const found: string[] = [];
  if (textOf("PROCESSOR", env) === undefined) found.push(PLACEHOLDER);
  if (batchSize !== undefined && concurrency !== undefined && concurrency > 2 * batchSize) {
    found.push(
      `CONCURRENCY is ${concurrency}, but no more than twice BATCH_SIZE (${
        2 * batchSize
      }) documents are held at once: raise BATCH_SIZE to use all of it`,
    );
  }
  return found;
}

const PLACEHOLDER =
  "PROCESSOR is not set: documents are only marked as processed, and nothing else is done with " +
  "them. Set PROCESSOR=module:PATH to process them, or PROCESSOR=log if that is what you want";

function textOf(variable: string, env: Environment): string | undefined {
  const value = env(variable)?.trim();
  return value === "" ? undefined : value;
}

function thisHost(): Host {
  return { hostName: hostName(), isTerminal: Deno.stdout.isTerminal() };
}

function hostName(): string {
  try {
    return Deno.hostname() || "unknown";
  } catch {
    return "unknown";
  }
}
