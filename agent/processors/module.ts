import { builtins, namesOf } from "../lib/builtin_watch.ts";
import { systemClock } from "../lib/clock.ts";
import { answerBy } from "../lib/deadline.ts";
import { errorText, UsageError } from "../errors.ts";
import { isNotFound, isPermissionDenied, NotAFileError, readFileOnce } from "../lib/read_file.ts";
import { fileUrl, pathOf } from "./file_url.ts";
import { kindOf } from "./kind_of.ts";
import { loadProblem, type ModuleSource } from "./load_problem.ts";
import type { BatchProcessor, Processing, Processor } from "./processor.ts";
import { watched } from "./watched.ts";

const EXAMPLE = "`export default async (document, context) => { ... }`";

/**
 * Loads the user's processor: an ES module in one file, whose default export is a function, or
 * that exports `processBatch`.
 *
 * A compiled executable can neither transpile TypeScript nor fetch packages, so a module must be self-contained
 * JavaScript. A module that is not is reported at the start, not at the first document.
 *
 * @throws {UsageError} when the file is missing, is not JavaScript, fails while loading, or exports no function.
 */
export async function loadModule(path: string): Promise<Processing> {
  const source = await readSource(path);
  const module = await importModule(path, source);
  const { default: process, processBatch } = module;
  if (typeof process === "function" && typeof processBatch === "function") {
    throw new UsageError(
      `PROCESSOR=module:${path} exports both a default function and processBatch: keep the one to be used`,
    );
  }
  if (typeof process === "function" && processBatch !== undefined && typeof processBatch !== "function") {
    throw new UsageError(
      `PROCESSOR=module:${path} exports processBatch as ${kindOf(processBatch)}, which cannot be called: ` +
        "make it a function and the only handler, or give it another name",
    );
  }
  for (const [name, handler] of Object.entries({ default: process, processBatch })) {
    const problem = typeof handler === "function" ? callProblem(handler) : undefined;
    if (problem) throw new UsageError(`PROCESSOR=module:${path} exports ${problem} as ${name}`);
  }
  if (typeof processBatch === "function") {
    return { kind: "batch", processBatch: watched(processBatch as BatchProcessor) };
  }
  if (typeof process === "function") return { kind: "single", process: watched(process as Processor) };
  const exported = Object.entries(module).map(([name, value]) => `${name}, ${kindOf(value)}`).join("; ") ||
    "nothing";
  throw new UsageError(
    `PROCESSOR=module:${path} exports no function as its default (it exports: ${exported}): ` +
      `write ${EXAMPLE}, or export processBatch(documents, context)`,
  );
}

/** Why a function does not do its work when it is called; undefined if it does. */
function callProblem(handler: object): string | undefined {
  const tag = Object.prototype.toString.call(handler);
  if (tag.includes("GeneratorFunction")) {
    return "a generator, whose body does not run when it is called (write `async function` without *)";
  }
  if (/^class\b/.test(Function.prototype.toString.call(handler))) {
    return "a class, which cannot be called (export a function that uses it)";
  }
}

async function importModule(path: string, source: ModuleSource): Promise<Record<string, unknown>> {
  builtins.note();
  try {
    return await loadedInTime(importIntact(path, source));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`PROCESSOR=module:${path} ${loadProblem(error, source)}`, { cause: error });
  }
}

/** The module, if no built-in is missing once it is loaded. Afterwards none is missing in any case. */
async function importIntact(path: string, { file }: ModuleSource): Promise<Record<string, unknown>> {
  let loaded: Record<string, unknown> | undefined;
  let failure: unknown;
  try {
    loaded = await import(fileUrl(file));
  } catch (error) {
    failure = error;
  }
  const removed = builtins.putBackRemoved();
  // If the module has failed as well, the missing built-ins are most likely the reason.
  if (removed.length > 0) {
    throw new UsageError(
      `PROCESSOR=module:${path} changes what is built in, which the agent needs, too (${
        namesOf(removed)
      }): ` +
        "remove that from the module",
    );
  }
  if (loaded === undefined) throw failure;
  return loaded;
}

/** The file by its absolute path, symbolic links followed: modules mounted from a ConfigMap are such links. */
async function readSource(path: string): Promise<ModuleSource> {
  checkName(path);
  let text: string;
  let file: string;
  try {
    text = readFileOnce(path, { maxBytes: MAX_SOURCE_BYTES });
    file = await Deno.realPath(path);
  } catch (error) {
    throw new UsageError(`PROCESSOR=module:${path} ${readProblem(error)}`, { cause: error });
  }
  if (text.trim() === "") throw new UsageError(`PROCESSOR=module:${path} is empty: write ${EXAMPLE} into it`);
  return { file, text };
}

/** This much of a module is read to explain its mistakes, in bytes; all of it is loaded. */
const MAX_SOURCE_BYTES = 16 * 1024 * 1024;

function checkName(path: string): void {
  if (path === "") {
    throw new UsageError(
      "PROCESSOR=module: names no file: write module:PATH, as in module:/app/processor.js",
    );
  }
  if (/^file:/i.test(path)) {
    throw new UsageError(
      `PROCESSOR=module:${path} is a URL: name the file by its path, PROCESSOR=module:${pathOf(path)}`,
    );
  }
  if (/^(https?|npm|jsr|data):/i.test(path)) {
    throw new UsageError(
      `PROCESSOR=module:${path} is a URL, which the agent does not fetch: put the file into the image, or mount it, ` +
        "and name its path",
    );
  }
  if (/\.[cm]?tsx?$/.test(path)) {
    throw new UsageError(
      `PROCESSOR=module:${path} is TypeScript, which the agent cannot load: bundle it to one .js file, ` +
        "or write it into agent/processors/custom.ts and compile",
    );
  }
  if (path.endsWith(".cjs")) {
    throw new UsageError(
      `PROCESSOR=module:${path} is a CommonJS module: write \`export default\` and \`import\` into a .js file, ` +
        "or bundle it to one as an ES module",
    );
  }
  if (!/\.m?js$/.test(path)) {
    throw new UsageError(
      `PROCESSOR=module:${path} is not a JavaScript module: name a file that ends in .js or .mjs`,
    );
  }
}

function readProblem(error: unknown): string {
  if (isNotFound(error)) return `does not exist (looked in ${Deno.cwd()}): check the path`;
  if (error instanceof NotAFileError) return `${error.message.replace(/^it /, "")}: name the .js file itself`;
  if (isPermissionDenied(error)) {
    return `cannot be read by user ${Deno.uid()}, as whom the agent runs: give it the right to (chmod a+r), ` +
      "also on the directories above it (chmod a+x)";
  }
  return `cannot be read: ${errorText(error)}`;
}

/** Longest time that a module may take to load, in milliseconds: a top-level await may never end. */
const LOAD_LIMIT_MS = 30_000;

function loadedInTime<T>(loading: Promise<T>): Promise<T> {
  const late = () => new Error(`its top level has not ended after ${LOAD_LIMIT_MS / 1000} s`);
  return answerBy(loading, { clock: systemClock, limitMs: LOAD_LIMIT_MS }, late);
}
