/**
 * What `make dev` is asked to do, read from the environment.
 *
 * @module
 */

import { UserError } from "./user_error.ts";

/** The root of the project. */
export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const DEV_DIR = `${ROOT}/.tools/dev`;

/** What to do, and with which settings. */
export interface Plan {
  /** Sample orders, the documents of a file, or the documents in the user's own collection. */
  work: "samples" | "file" | "attached";
  /** The user's MongoDB; undefined if one of our own is to be started. */
  uri: string | undefined;
  database: string;
  collection: string;
  /** Path of the file with the user's documents. */
  file: string | undefined;
  /** Extended JSON; documents that do not match it are not the agent's. */
  filter: string | undefined;
  /** The folder at which relative paths start: the user's working directory. */
  base: string;
  /** The agent's settings, beside what else is in the environment. */
  settings: Record<string, string> & { PROCESSOR: string; HEALTH_DIR: string; CONTROL_FILE: string };
  /** What the user should know before anything happens. */
  notes: string[];
}

/**
 * Decides what to do.
 *
 * @throws {UserError} when something needed is not set
 */
export function makePlan(env: Record<string, string>): Plan {
  const set = (name: string) => env[name] || undefined;
  const base = set("INIT_CWD") ?? ROOT;
  const uri = userUri(set);
  const file = set("FILE");
  const work = file !== undefined ? "file" : uri !== undefined ? "attached" : "samples";
  const missing = ["MONGODB_DATABASE", "MONGODB_COLLECTION"].filter((name) => set(name) === undefined);
  if (uri !== undefined && missing.length > 0) {
    throw new UserError(
      `MONGODB_URI is set and ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not: ` +
        "say which of your collections the agent may work on",
    );
  }
  const notes: string[] = [];
  let processor = set("PROCESSOR");
  if (processor === undefined) {
    processor = work === "samples" ? `module:${ROOT}/examples/order_totals.js` : "log";
    if (work !== "samples") {
      notes.push(
        "PROCESSOR is not set: documents are marked as processed, and nothing else is done with them.",
      );
    }
  }
  const settings = {
    LOG_FORMAT: "text",
    POLL_INTERVAL: "1",
    ...present(set, ["LOG_FORMAT", "POLL_INTERVAL"]),
    MONGODB_DATABASE: set("MONGODB_DATABASE") ?? "pulling_agent_dev",
    MONGODB_COLLECTION: set("MONGODB_COLLECTION") ?? (work === "samples" ? "orders" : "documents"),
    HEALTH_DIR: set("HEALTH_DIR") ?? `${DEV_DIR}/health`,
    CONTROL_FILE: set("CONTROL_FILE") ?? `${DEV_DIR}/control/state`,
    PROCESSOR: processor,
  };
  return {
    work,
    uri,
    database: settings.MONGODB_DATABASE,
    collection: settings.MONGODB_COLLECTION,
    file: file === undefined || file.startsWith("/") ? file : `${base}/${file}`,
    filter: set("FILTER"),
    base,
    settings,
    notes,
  };
}

function present(set: (name: string) => string | undefined, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => set(name) === undefined ? [] : [[name, set(name)!]]));
}

function userUri(set: (name: string) => string | undefined): string | undefined {
  const file = set("MONGODB_URI_FILE");
  if (file === undefined) return set("MONGODB_URI");
  try {
    return Deno.readTextFileSync(file).trim();
  } catch (error) {
    throw new UserError(
      `Cannot read MONGODB_URI_FILE=${file}: ${error instanceof Error ? error.message : error}`,
    );
  }
}
