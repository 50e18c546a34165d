import { resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { secrets } from "../text/redact.ts";
import type { FileVariant, Host, Setting } from "./setting.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { readFileVariant } from "./file_variant.ts";
import { byteLength } from "../text/utf8.ts";

/** The environment: a variable that is not set, or is blank, counts as absent. */
export type Environment = (variable: string) => string | undefined;

/** What reading the settings brought: the values that could be read, and everything that is wrong. */
export interface LoadedSettings {
  values: Partial<Settings>;
  /** One sentence each. Settings are complete exactly if there are none. */
  problems: string[];
  /** Odd, but not wrong. */
  warnings: string[];
}

/** This much of a value that cannot be used is repeated in the message, in UTF-16 units. */
const MAX_SHOWN = 80;

const ENTRIES = Object.entries(SETTINGS) as [keyof Settings, Setting<unknown>][];

/** Reads and checks all settings; finds every problem rather than the first. Never throws. */
export function loadSettings(env: Environment, host: Host = thisHost()): LoadedSettings {
  const values: Partial<Settings> = {};
  const problems: string[] = [];
  for (const [key, spec] of ENTRIES) {
    try {
      Object.assign(values, { [key]: valueOf(spec, env, values, host) });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  problems.push(...contradictions(values, env));
  // If the file is named wrongly, two settings have a problem.
  return { values, problems: [...new Set(problems)], warnings: oddities(values, env) };
}

/**
 * Reads one setting alone, for commands that must work even if the others are wrong.
 *
 * @throws {UsageError} If its value is unusable.
 */
export function readSetting<K extends keyof Settings>(key: K, env: Environment): Settings[K] {
  try {
    return valueOf(SETTINGS[key] as Setting<Settings[K]>, env, {}, thisHost());
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function valueOf<T>(spec: Setting<T>, env: Environment, known: Partial<Settings>, host: Host): T {
  const text = textOf(spec.variable, env);
  // The secret has to be known before any message can quote it.
  if (spec.secret && text !== undefined) secrets.learn(text);
  const given = spec.file ? textOrFile(spec, spec.file, text, env) : text;
  if (given === undefined) {
    if (spec.fallback) return spec.fallback(known, host);
    if (spec.default !== undefined) return spec.parse(spec.default);
    const hint = spec.hint ?? `set it to ${spec.parse.accepts}`;
    throw new Error(`${spec.variable} is not set: ${hint}`);
  }
  refuseServiceLink(spec.variable, given);
  try {
    return spec.parse(given);
  } catch (error) {
    const subject = spec.secret ? spec.variable : shown(spec.variable, given);
    throw new Error(`${subject} ${(error as Error).message}`, { cause: error });
  }
}

/** The value that is set, or the content of the file that is named instead. */
function textOrFile(
  { variable, secret }: Setting<unknown>,
  file: FileVariant,
  text: string | undefined,
  env: Environment,
): string | undefined {
  const path = textOf(file.variable, env);
  if (path === undefined) return text;
  refuseServiceLink(file.variable, path);
  if (text !== undefined) throw new Error(`${variable} and ${file.variable} are both set: keep one of them`);
  const content = readFileVariant(path, variable, file);
  if (secret) secrets.learn(content);
  return content;
}

/** Some settings accept any text, but no operator means a value like this. */
function refuseServiceLink(variable: string, given: string): void {
  if (isServiceLink(given)) throw new Error(`${shown(variable, given)} ${SERVICE_LINK}`);
}

function shown(variable: string, given: string): string {
  return `${variable} is ${JSON.stringify(secrets.text(given, MAX_SHOWN))}:`;
}

/** Kubernetes sets variables such as `BILLING_PORT=tcp://10.0.0.1:80` for every Service of the namespace. */
function isServiceLink(given: string): boolean {
  return /^(tcp|udp|sctp):\/\/[^/@]+:\d+$/.test(given);
}

const SERVICE_LINK =
  "this is what Kubernetes sets for a Service of that name: set enableServiceLinks: false in the pod, or rename the Service";

/** The longest full name of a collection, with its database and a dot, that a server takes, in bytes. */
const MAX_NAMESPACE_BYTES = 255;
/** The same of a sharded collection. Whether it is sharded or is to be is not known here. */
const MAX_SHARDED_NAMESPACE_BYTES = 235;
/** The agent keeps these in `HEALTH_DIR`: no other file may have such a name. */
const HEALTH_FILES = ["liveness", "readiness", "startup", "status.json", "agent.lock", "commands.lock"];

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

/** Settings of processors outside of this process, and the kinds that they count for. */
const OF_KINDS: [variable: string, kinds: RegExp][] = [
  ["PROCESSOR_BATCH", /^(https?|exec):/i],
  ["HTTP_HEADERS_FILE", /^https?:/i],
  ["HTTP_SIGNING_SECRET_FILE", /^https?:/i],
  ["HTTP_CA_FILE", /^https:/i],
  ["EXEC_PROCESSES", /^exec:/],
  ["EXEC_PASS_ENV", /^exec:/],
];

function oddities(values: Partial<Settings>, env: Environment): string[] {
  const { batchSize, concurrency, processor = "" } = values;
  const found = OF_KINDS.filter(([variable, kinds]) =>
    textOf(variable, env) !== undefined && !kinds.test(processor)
  )
    .map(([variable]) => `${variable} is set, and does nothing for this kind of PROCESSOR: leave it out`);
  if (textOf("PROCESSOR", env) === undefined) found.push(PLACEHOLDER);
  if (batchSize !== undefined && concurrency !== undefined && concurrency > 2 * batchSize) {
    found.push(
      `CONCURRENCY is ${concurrency}, but no more than twice BATCH_SIZE (${
        2 * batchSize
      }) documents are held at once: raise BATCH_SIZE to use all of it`,
    );
  }
  if (processor.startsWith("exec:")) found.push(...idleProcesses(values));
  const proxy = /^https:/i.test(processor)
    ? PROXIES.find((name) => textOf(name, env) !== undefined)
    : undefined;
  // The runtime sends the header Proxy-Authorization through the tunnel, too.
  if (proxy !== undefined && /^(http:\/\/)?[^/@]+@/i.test(textOf(proxy, env)!)) {
    found.push(
      `${proxy} has credentials, and the service gets them as well: use a proxy that needs none, unless you trust ` +
        "the service with them",
    );
  }
  return found;
}

/** Variables that may name the proxy for `https:` addresses, the first that is set counts. */
const PROXIES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/** Full batches that an agent holds at once. */
const MAX_HELD_BATCHES = 2;

/** Processes of a program that would have no work. */
function idleProcesses(
  { concurrency = Infinity, execProcesses = 1, processorBatch = false }: Partial<Settings>,
): string[] {
  const found: string[] = [];
  if (execProcesses > concurrency) {
    found.push(
      `EXEC_PROCESSES is ${execProcesses}, but CONCURRENCY lets only ${concurrency} work at the same time: ` +
        "lower EXEC_PROCESSES, or raise CONCURRENCY",
    );
  } else if (processorBatch && execProcesses > MAX_HELD_BATCHES) {
    found.push(
      `EXEC_PROCESSES is ${execProcesses}, but with PROCESSOR_BATCH only ${MAX_HELD_BATCHES} full batches are held ` +
        "at once, so the other processes have little work: lower EXEC_PROCESSES",
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
