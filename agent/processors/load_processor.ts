import { UsageError } from "../errors.ts";
import { customProcessor } from "./custom.ts";
import { type ForeignLog, SILENT } from "./foreign_log.ts";
import { logProcessor } from "./log.ts";
import { pathOf } from "./file_url.ts";
import { loadModule } from "./module.ts";
import type { Processing } from "./processor.ts";
import type { Settings } from "../settings/settings.ts";

/** The settings that processors have besides `PROCESSOR`; those that could not be read are missing. */
export type ProcessorSettings = Partial<Settings>;

/**
 * The processor that `PROCESSOR` names. What a kind of processor needs is loaded only for that kind.
 *
 * @param log takes what the processor writes and what belongs to no document
 * @throws {UsageError} if it names none, or a module that cannot be used.
 */
export async function loadProcessor(
  name: string,
  settings: ProcessorSettings = {},
  log: ForeignLog = SILENT,
): Promise<Processing> {
  if (name === "log") return { kind: "single", process: logProcessor };
  if (name === "custom") return { kind: "single", process: customProcessor };
  if (name.startsWith("module:")) return await loadModule(name.slice("module:".length));
  if (/^https?:/i.test(name) && !isModuleAddress(name)) {
    const { httpProcessor } = await import("./http/http_processor.ts");
    return await httpProcessor(name, settings);
  }
  if (name.startsWith("exec:")) {
    const { loadExec } = await import("./exec/exec.ts");
    return await loadExec(name.slice("exec:".length), settings, log);
  }
  throw new UsageError(unknownProblem(name));
}

/** What is wrong with a name that is not a processor's. Most often it is a path without the word before it. */
function unknownProblem(name: string): string {
  const said = `PROCESSOR is ${JSON.stringify(name)}`;
  const builtIn = BUILT_IN.find((each) => each === name.trim().toLowerCase());
  if (builtIn) {
    return `${said}: did you mean ${builtIn}? It is log, custom, module:PATH, exec:COMMAND or an http(s) address`;
  }
  if (/^(npm|jsr|https?):/i.test(name)) {
    return `${said}, which the agent does not fetch: bundle it to one file, and set PROCESSOR=module:PATH`;
  }
  const path = pathIn(name);
  if (path === undefined) {
    return `${said}: set it to log, custom, module:PATH, exec:COMMAND or an http(s) address`;
  }
  const script = path.replace(/\.[cm]?tsx?$/, ".js");
  return script === path
    ? `${said}: set PROCESSOR=module:${path} for a file`
    : `${said}, which is TypeScript: bundle it to one .js file, and set PROCESSOR=module:${script}`;
}

/** A file of JavaScript behind an address is no service: it is meant to be loaded. */
function isModuleAddress(name: string): boolean {
  return /\.[cm]?[jt]sx?$/i.test(name);
}

const BUILT_IN = ["log", "custom"];

/** The path that a name is or holds, such as `./x.js`, `file:///x.js` or `Module:x.js`; undefined if it holds none. */
function pathIn(name: string): string | undefined {
  const [, word = "", rest = ""] = /^(\w+)\s*[:=]\s*(.+)$/.exec(name.trim()) ?? [];
  if (word.toLowerCase() === "file") return pathOf(name.trim());
  if (/^(m\w*|script|path)$/i.test(word)) return rest;
  const path = name.trim();
  return path.includes("/") || /\.[cm]?[jt]sx?$/.test(path) ? path : undefined;
}
