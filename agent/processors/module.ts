import { errorText, UsageError } from "../errors.ts";
import type { BatchProcessor, Processing, Processor } from "./processor.ts";

/**
 * Loads the user's processor: an ES module in one file, whose default export is a function, or
 * that exports `processBatch`.
 *
 * A compiled executable cannot transpile TypeScript nor fetch packages, so that what it loads must be self-contained
 * JavaScript. All of that is said at start, not at the first document.
 *
 * @throws {UsageError} Where the file is missing, is no JavaScript, fails while loading, or exports no function.
 */
export async function loadModule(path: string): Promise<Processing> {
  const found = await checkFile(path);
  let module: Record<string, unknown>;
  try {
    module = await withinTime(import(fileUrl(found)));
  } catch (error) {
    throw new UsageError(`PROCESSOR=module:${path} cannot be loaded: ${loadProblem(error)}`);
  }
  const { default: process, processBatch } = module;
  if (typeof process === "function" && typeof processBatch === "function") {
    throw new UsageError(
      `PROCESSOR=module:${path} exports both a default function and processBatch: keep the one to be used`,
    );
  }
  for (const [name, handler] of Object.entries({ default: process, processBatch })) {
    const problem = typeof handler === "function" ? callProblem(handler) : undefined;
    if (problem) throw new UsageError(`PROCESSOR=module:${path} exports ${problem} as ${name}`);
  }
  if (typeof processBatch === "function") {
    return { kind: "batch", processBatch: processBatch as BatchProcessor };
  }
  if (typeof process === "function") return { kind: "single", process: process as Processor };
  const exported = Object.keys(module).join(", ") || "nothing";
  throw new UsageError(
    `PROCESSOR=module:${path} exports no function as its default (it exports: ${exported}): ` +
      "write `export default async (document, context) => { ... }`, or export processBatch(documents, context)",
  );
}

/** Why a function does not do its work when it is called; undefined when it does. */
function callProblem(handler: object): string | undefined {
  const tag = Object.prototype.toString.call(handler);
  if (tag.includes("GeneratorFunction")) {
    return "a generator, whose body does not run when it is called (write `async function` without *)";
  }
  if (/^class\b/.test(Function.prototype.toString.call(handler))) {
    return "a class, which cannot be called (export a function that uses it)";
  }
}

/** The file's absolute path, symbolic links followed: modules mounted from a ConfigMap are such links. */
async function checkFile(path: string): Promise<string> {
  if (path === "") {
    throw new UsageError(
      "PROCESSOR=module: names no file: write module:PATH, as in module:/app/processor.js",
    );
  }
  if (/\.[cm]?tsx?$/.test(path)) {
    throw new UsageError(
      `PROCESSOR=module:${path} is TypeScript, which the agent cannot load: bundle it to one .js file, ` +
        "or write it into agent/processors/custom.ts and compile",
    );
  }
  if (!/\.m?js$/.test(path)) {
    throw new UsageError(
      `PROCESSOR=module:${path} is no JavaScript module: name a file that ends in .js or .mjs`,
    );
  }
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) {
      throw new UsageError(`PROCESSOR=module:${path} is not a file: name the .js file itself`);
    }
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Deno.errors.NotFound
      ? "does not exist"
      : `cannot be read: ${errorText(error)}`;
    throw new UsageError(`PROCESSOR=module:${path} ${why} (looked in ${Deno.cwd()}): check the path`);
  }
}

/** A module whose top level waits for something that never comes would hold the start for ever, in milliseconds. */
const LOAD_LIMIT_MS = 30_000;

async function withinTime<T>(loading: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    const why = `its top level has not ended after ${LOAD_LIMIT_MS / 1000} s`;
    timer = setTimeout(() => reject(new Error(why)), LOAD_LIMIT_MS);
  });
  try {
    return await Promise.race([loading, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function fileUrl(path: string): string {
  return "file://" + path.split("/").map(encodeURIComponent).join("/");
}

function loadProblem(error: unknown): string {
  const text = errorText(error).split("\n", 1)[0]!;
  return `${text}: the agent takes one self-contained ES module without npm:, jsr: or http imports`;
}
