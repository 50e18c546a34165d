/**
 * Keeps the arrows between the parts of the program pointing one way, and its witness apart from it.
 *
 * @module
 */

import { exists, walk } from "@std/fs";

/** Which part may import which; a part is `main.ts` or a top-level folder. Types count too. */
const MAY_IMPORT: Record<string, string[]> = {
  "main.ts": ["main.ts", "control", "health", "agent"],
  control: ["control", "health", "agent"],
  health: ["health", "agent"],
  // deno.json: the version.
  agent: ["agent", "deno.json"],
  // The protocol's model is beside the program: neither knows the other.
  models: ["models"],
  // It judges the agent by the protocol's document alone, so it shares no code with it, nor with the tests.
  "tests/witness": ["tests/witness"],
};

/** Folders that import nothing of the program but one another, and files that do the same. */
const LEAVES = ["agent/lib/", "agent/text/", "agent/errors.ts", "agent/events.ts"];

/** Folders of concepts, as in the drawing of docs/architecture.md: each may import only those after it. */
const CONCEPTS = [
  [
    "claiming",
    "handling",
    "breaker",
    "telemetry",
    "processors",
    "settling",
    "leases",
    "settings",
    "text",
    "lib",
  ]
    .map((name) => `agent/${name}/`),
  ["claims", "dead_letters", "outcomes", "connection", "documents"].map((name) => `agent/store/${name}/`),
];

/**
 * Only these see the database: the store itself, and the files that put the parts together. All others know
 * `agent/ports.ts`.
 */
const STORE = "agent/store/";
const STORE_USERS = ["main.ts", "control/", STORE];

/**
 * Loading the driver costs three quarters of the start of a health probe: it is loaded only for a command that uses it.
 */
const DRIVER = ["mongodb", "bson"];

/** What judges the database's own history of a run. */
const WITNESS = "tests/witness/";

/** Loaded only for the processors and settings that need them: all other runs start without them. */
const LAZY = [
  ...["answers", "exec", "http"].map((name) => `agent/processors/${name}/`),
  "agent/metrics/",
  "control/alerts/webhook.ts",
  "control/metrics/",
  "control/otlp/",
];
/** Runs in the browser: it shares nothing with the server but the types of what they say to each other. */
const PAGE = "control/dashboard/page/";

/** Decides whether the rest of its folder is needed. */
const EAGER = "control/otlp/destinations.ts";

const FOLDERS_WITH_CODE = [
  "agent",
  "control",
  "health",
  "scripts",
  "tests",
  "models",
  "examples",
  "bench",
  "offline",
];
const MAX_LINES = 300;

interface Import {
  from: string;
  /** Path in the repository, or the specifier of a package. */
  to: string;
  line: number;
  isTypeOnly: boolean;
  isDynamic: boolean;
}

/** Checks the repository (or a tree shaped like it) at `root`; every sentence returned is a violation. */
export async function checkLayers(root: string): Promise<string[]> {
  const realRoot = await Deno.realPath(root);
  const sources = await sourceFiles(realRoot);
  const product = sources.filter((path) => partOf(path) in MAY_IMPORT);
  if (product.length === 0) return [];
  const { imports, broken } = await readImports(realRoot, product);
  return [
    ...broken,
    ...imports.flatMap((it) => checkImport(it)),
    ...findCycles(imports),
    ...findDriverFromMain(imports),
    ...await findLongFiles(realRoot, sources),
  ].sort();
}

function checkImport(it: Import): string[] {
  const where = `${it.from}:${it.line} imports ${it.to}`;
  if (it.from.startsWith(WITNESS) && isPackage(it.to)) {
    if (isDriver(it.to) || it.to.startsWith("@std/")) return [];
    return [`${where}: ${WITNESS} may import only the driver, bson and @std`];
  }
  if (isPackage(it.to)) {
    if (!isDriver(it.to) || it.isTypeOnly || it.isDynamic || it.from.startsWith(STORE)) return [];
    return [
      `${where}: only ${STORE} may load the driver; use agent/ports.ts, 'import type' or 'await import()'`,
    ];
  }
  if (it.from.startsWith(PAGE) !== it.to.startsWith(PAGE) && !(it.from.startsWith(PAGE) && it.isTypeOnly)) {
    return [
      `${where}: ${PAGE} is for the browser alone; it may take types from the rest, which takes nothing of it`,
    ];
  }
  const part = partOf(it.from);
  const allowed = MAY_IMPORT[part] ?? [];
  if (!allowed.includes(partOf(it.to))) return [`${where}: ${part} may import only ${allowed.join(", ")}`];
  if (isLeaf(it.from) && !isLeaf(it.to)) {
    return [`${where}: it is a leaf and may import only packages and other leaves (${LEAVES.join(", ")})`];
  }
  if (isLazy(it.to) && !isLazy(it.from) && !it.isTypeOnly && !it.isDynamic) {
    return [`${where}: it is loaded only if a setting needs it; use 'await import()'`];
  }
  for (const order of CONCEPTS) {
    const [from, to] = [it.from, it.to].map((path) => order.findIndex((folder) => path.startsWith(folder)));
    if (to! < 0 || from! <= to!) continue;
    return [`${where}: ${order[from!]} comes after ${order[to!]}; the arrows go ${order.join(" ")}`];
  }
  if (it.to.startsWith(STORE) && !STORE_USERS.some((user) => it.from.startsWith(user))) {
    return [`${where}: only ${STORE_USERS.join(", ")} may; declare what is needed in agent/ports.ts`];
  }
  return [];
}

function findCycles(imports: Import[]): string[] {
  const next = edges(imports);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) cycles.push([...path.slice(start), file].join(" -> "));
    if (start !== -1 || done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return cycles.map((cycle) => `Import cycle: ${cycle}; move what they share to a file of its own`);
}

/** The probe must not pay for the driver, so no chain of static imports may lead from `main.ts` to it. */
function findDriverFromMain(imports: Import[]): string[] {
  const next = edges(imports.filter((it) => !it.isTypeOnly && !it.isDynamic));
  const paths: string[][] = [["main.ts"]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const to of next.get(path.at(-1)!) ?? []) {
      if (isDriver(to)) {
        return [`main.ts loads the driver at start: ${[...path, to].join(" -> ")}; use 'await import()'`];
      }
      if (!seen.has(to)) paths.push([...path, to]);
      seen.add(to);
    }
  }
  return [];
}

async function findLongFiles(root: string, files: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of files) {
    const lines = (await Deno.readTextFile(`${root}/${path}`)).split("\n").length - 1;
    if (lines > MAX_LINES) {
      found.push(`${path} has ${lines} lines, ${MAX_LINES} are allowed: split it by concept`);
    }
  }
  return found;
}

function edges(imports: Import[]): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...next.get(from) ?? [], to]);
  return next;
}

function isLeaf(path: string): boolean {
  return LEAVES.some((leaf) => path === leaf || (leaf.endsWith("/") && path.startsWith(leaf)));
}

function isLazy(path: string): boolean {
  return path !== EAGER && LAZY.some((folder) => path.startsWith(folder));
}

function partOf(path: string): string {
  return path.startsWith(WITNESS) ? "tests/witness" : path.split("/")[0]!;
}

function isPackage(to: string): boolean {
  return !/\.(tsx?|js|json)$/.test(to);
}

function isDriver(to: string): boolean {
  return DRIVER.some((name) => to === name || to.startsWith(`${name}/`));
}

async function sourceFiles(root: string): Promise<string[]> {
  const paths = await exists(`${root}/main.ts`) ? ["main.ts"] : [];
  for (const folder of FOLDERS_WITH_CODE) {
    if (!await exists(`${root}/${folder}`)) continue;
    for await (const { path } of walk(`${root}/${folder}`, { exts: ["ts", "tsx"], includeDirs: false })) {
      paths.push(path.slice(root.length + 1));
    }
  }
  return paths;
}

/** What `deno info --json` says of a module; only what is used here. */
interface ModuleInfo {
  specifier: string;
  error?: string;
  dependencies?: {
    specifier: string;
    isDynamic?: boolean;
    code?: { specifier?: string; span: { start: { line: number } } };
    type?: { specifier?: string; span: { start: { line: number } } };
  }[];
}

async function readImports(root: string, files: string[]): Promise<{ imports: Import[]; broken: string[] }> {
  const rootUrl = `file://${root}/`;
  // One entry that imports everything: to ask for each file by itself takes a process per file.
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      entry,
      files.map((path) => `import ${JSON.stringify(rootUrl + path)};\n`).join(""),
    );
    const config = await exists(`${root}/deno.json`) ? ["--config", `${root}/deno.json`] : ["--no-config"];
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-lock", "--no-remote", "--no-npm", ...config, entry],
    }).output();
    if (!success) throw new Error(`Cannot read the imports: ${new TextDecoder().decode(stderr).trim()}`);
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: ModuleInfo[] };
    const ours = modules.filter((it) => files.includes(it.specifier.slice(rootUrl.length)));
    return {
      imports: ours.flatMap((module) => importsOf(module, rootUrl)),
      broken: ours.filter((it) => it.error !== undefined).map((it) =>
        `Cannot parse ${it.specifier}: ${it.error}`
      ),
    };
  } finally {
    await Deno.remove(entry);
  }
}

function importsOf(module: ModuleInfo, rootUrl: string): Import[] {
  return (module.dependencies ?? []).map(({ specifier, code, type, isDynamic }) => {
    const resolved = (code ?? type)?.specifier ?? specifier;
    return {
      from: module.specifier.slice(rootUrl.length),
      to: resolved.startsWith(rootUrl)
        ? resolved.slice(rootUrl.length)
        : specifier.replace(/^(npm|jsr):\/?/, "").replace(/(.)@[^/]*/, "$1"),
      line: ((code ?? type)?.span.start.line ?? 0) + 1,
      isTypeOnly: code === undefined,
      isDynamic: isDynamic === true,
    };
  });
}

if (import.meta.main) {
  const violations = await checkLayers(new URL("..", import.meta.url).pathname);
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) Deno.exit(1);
}
