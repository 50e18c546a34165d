import { errorText } from "../errors.ts";
import { ExitRefusedError } from "./exit_guard.ts";
import { pathOf } from "./file_url.ts";
import { frameIn } from "./frame.ts";
import { importsOf } from "./imports.ts";
import { otherThanJavaScript } from "./source_kind.ts";

/** A module of the user's, as far as its mistakes are to be explained. */
export interface ModuleSource {
  /** Its absolute path, links followed. */
  readonly file: string;
  readonly text: string;
}

const BUNDLE = "bundle the module and all that it imports to one file, such as with " +
  "`esbuild --bundle --format=esm --platform=node`";

/** Names that only CommonJS modules know. */
const COMMON_JS = /^(module|exports|require|__dirname|__filename) is not defined/;

/** How Deno names the place of a mistake. */
const PLACE = /\s+at (file:\/\/\S+?):(\d+):(\d+)\s*$/m;

/** How Deno's messages name what cannot be imported. */
const SPECIFIERS = [
  /^Module not found:? "?([^"\s]+?)"?\.?$/,
  /^Import "([^"]+)"/,
  /^Cannot resolve module "([^"]+)"/,
  /^No such built-in module: (\S+)/,
  /^Could not find constraint '([^']+)'/,
  /^JSR package manifest for '([^']+)'/,
];

/** What the agent would have to fetch. */
const FETCHED = /^(npm|jsr|https?):/;

/** Advice of Deno's for people who run Deno themselves: it contradicts ours. */
const ADVICE = /lockfile|--[a-z]|`deno |\bdeno (add|install|cache)\b/;

/**
 * What is wrong with a module that could not be loaded, and how to mend it. The text continues a sentence that it
 * begins with the module.
 */
export function loadProblem(error: unknown, source: ModuleSource): string {
  if (error instanceof ExitRefusedError) {
    return `calls ${error.call} while it is loaded, but only the agent ends its process: remove the call`;
  }
  const text = errorText(error);
  const line = text.split("\n", 1)[0]!.replace(/^SyntaxError: /, "").replace(PLACE, "");
  // Deno marks what it could not load; all else comes from the module itself as it ran.
  const isOfDeno = codeOf(error) === "ERR_MODULE_NOT_FOUND" ||
    / does not provide an export named /.test(text) || (error instanceof SyntaxError && PLACE.test(text));
  if (isOfDeno) {
    const isSyntax = error instanceof SyntaxError || text.startsWith("SyntaxError: ");
    return isSyntax ? syntaxProblem(line, PLACE.exec(text), source) : importProblem(line, source);
  }
  if (error instanceof ReferenceError && COMMON_JS.test(line)) {
    return `is a CommonJS module (${line}): write \`export default\` and \`import\`, or ${BUNDLE}`;
  }
  const permission = error instanceof Deno.errors.NotCapable &&
    /^Requires (\w+) access/.exec(error.message)?.[1];
  // Of the kernel's files the runtime says that all permissions are missing, and the text says what they are.
  const why = permission && permission !== "all" ? `no processor has the permission "${permission}"` : line;
  return `failed while it was loaded${placeOf(error, source)}: ${why}`;
}

function syntaxProblem(line: string, place: RegExpExecArray | null, { file, text }: ModuleSource): string {
  const [, url, row, column] = place ?? [];
  const where = row === undefined ? "" : `, in line ${row}, column ${column}`;
  const other = url === undefined ? undefined : pathOf(url);
  if (/ does not provide an export named /.test(line)) return `cannot be loaded${where}: ${line}`;
  if (other !== undefined && other !== file) {
    const isTypeScript = /\.[cm]?tsx?$/.test(other);
    return `imports ${other}, which is not valid JavaScript${where}: ${line}${
      isTypeScript ? `; ${BUNDLE}` : ""
    }`;
  }
  const kind = otherThanJavaScript(text);
  return kind === undefined ? `is not valid JavaScript${where}: ${line}` : `${kind} (${line}${where})`;
}

function importProblem(line: string, { file, text }: ModuleSource): string {
  const imports = importsOf(text);
  const found = specifierOf(line, imports);
  if (found === undefined) {
    return ADVICE.test(line)
      ? `imports a package or an address, directly or not, that the agent cannot fetch: ${BUNDLE}`
      : `cannot be loaded: ${line}: ${BUNDLE}`;
  }
  if (found.startsWith("file://")) {
    const folder = file.slice(0, file.lastIndexOf("/"));
    return `imports ${
      pathOf(found)
    }, which does not exist: put it there (the module is in ${folder}), or ${BUNDLE}`;
  }
  if (found.endsWith(".json") && !FETCHED.test(found)) {
    return `imports "${found}" without saying that it is JSON: ` +
      `write \`import name from "${found}" with { type: "json" }\``;
  }
  if (found.startsWith("node:")) return `imports "${found}", which Deno does not have: ${BUNDLE}`;
  return `imports "${found}", which the agent cannot fetch: ${BUNDLE}`;
}

/** What could not be imported, as the module has it if it is found there; undefined if that is not known. */
function specifierOf(line: string, imports: readonly string[]): string | undefined {
  const found = SPECIFIERS.map((pattern) => pattern.exec(line)?.[1]).find((each) => each !== undefined);
  if (found !== undefined) {
    // Deno leaves out the kind of a package, or names what a name stands for.
    return imports.find((each) => each.endsWith(found)) ??
      imports.find((each) => FETCHED.test(found) && found.includes(each)) ?? found;
  }
  return / JSON module /.test(line)
    ? imports.find((each) => each.endsWith(".json"))
    : imports.find((each) => FETCHED.test(each));
}

/** The line of the module that threw, in brackets; nothing when it is not known. */
function placeOf(error: unknown, { file }: ModuleSource): string {
  const frame = frameIn(error, file);
  return frame?.file === file ? ` (line ${frame.line}, column ${frame.column})` : "";
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
}
