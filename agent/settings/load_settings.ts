import { UsageError } from "../errors.ts";
import { secrets } from "../text/redact.ts";
import { contradictions } from "./contradictions.ts";
import { type Environment, textOf } from "./environment.ts";
import { fleetObstacles } from "./fleet_settings.ts";
import type { FileVariant, Host, Setting } from "./setting.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { readFileVariant } from "./file_variant.ts";
import { oddities } from "./oddities.ts";

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
  const warnings: string[] = [];
  for (const [key, spec] of ENTRIES) {
    try {
      Object.assign(values, { [key]: valueOf(spec, env, values, host) });
    } catch (error) {
      const { message } = error as Error;
      if (spec.otherwise) {
        Object.assign(values, { [key]: spec.otherwise.value });
        warnings.push(`${message}; until then, ${spec.otherwise.so}`);
      } else problems.push(message);
    }
  }
  if (textOf("FLEET", env) === undefined && values.fleet === "on") {
    // A default stops no agent.
    const [obstacle] = fleetObstacles(values, "FLEET=on");
    if (obstacle !== undefined) {
      values.fleet = "off";
      warnings.push(`The agent goes without a fleet, as with FLEET=off: ${obstacle}`);
    }
  }
  problems.push(...contradictions(values, env));
  // If the file is named wrongly, two settings have a problem.
  return {
    values,
    problems: [...new Set(problems)],
    warnings: [...new Set(warnings), ...oddities(values, env)],
  };
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
