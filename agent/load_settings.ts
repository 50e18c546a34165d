import { UsageError } from "./errors.ts";
import { redactUri } from "./redact.ts";
import { type Host, type Setting, SETTINGS, type Settings } from "./settings.ts";

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
  problems.push(...contradictions(values));
  // The connection string cannot be had either where the file that holds it is named wrongly.
  return { values, problems: [...new Set(problems)], warnings: oddities(values) };
}

/**
 * Reads one setting alone, for commands that must work whatever the others say.
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
  const shown = `${spec.variable} is ${JSON.stringify(abbreviate(redactUri(given)))}:`;
  // Where any text will do as well: nobody means such a value.
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

/** The connection string, from the variable or from the file that is named instead. */
function uriOf(env: Environment): string {
  const uri = textOf("MONGODB_URI", env);
  const file = valueOf(SETTINGS.mongodbUriFile, env, {}, thisHost());
  if (uri !== undefined && file !== undefined) {
    throw new Error("MONGODB_URI and MONGODB_URI_FILE are both set: keep one of them");
  }
  if (file === undefined) return valueOf(SETTINGS.mongodbUri, env, {}, thisHost());
  let content: string;
  try {
    content = Deno.readTextFileSync(file).trim();
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
    throw new Error(
      `MONGODB_URI_FILE names ${JSON.stringify(redactUri(file))}, which ${why}: mount it, or set MONGODB_URI`,
    );
  }
  if (content === "") {
    throw new Error(
      `MONGODB_URI_FILE names ${
        JSON.stringify(redactUri(file))
      }, which is empty: write the connection string into it`,
    );
  }
  return content;
}

function contradictions(values: Partial<Settings>): string[] {
  const found: string[] = [];
  const { retryBackoffMs, retryBackoffMaxMs, mongodbCollection, deadLetterCollection } = values;
  if (retryBackoffMs !== undefined && retryBackoffMaxMs !== undefined && retryBackoffMaxMs < retryBackoffMs) {
    found.push("RETRY_BACKOFF_MAX is below RETRY_BACKOFF: raise it to at least the same value");
  }
  if (mongodbCollection !== undefined && mongodbCollection === deadLetterCollection) {
    found.push("DEAD_LETTER_COLLECTION is MONGODB_COLLECTION: name another collection for the dead letters");
  }
  return found;
}

function oddities({ batchSize, concurrency }: Partial<Settings>): string[] {
  if (batchSize === undefined || concurrency === undefined || concurrency <= 2 * batchSize) return [];
  return [
    `CONCURRENCY is ${concurrency}, but no more than twice BATCH_SIZE (${
      2 * batchSize
    }) documents are held at once: ` +
    "raise BATCH_SIZE to use all of it",
  ];
}

function textOf(variable: string, env: Environment): string | undefined {
  const value = env(variable)?.trim();
  return value === "" ? undefined : value;
}

function abbreviate(text: string): string {
  return text.length <= 80 ? text : text.slice(0, 77) + "...";
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
