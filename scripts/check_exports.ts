/**
 * Finds exports that nothing imports: code that no longer has a user, or that only its own file uses.
 *
 * It reads text, not syntax: `deno fmt` and the house style leave one form of each statement, and the check takes
 * milliseconds, so that it can run before every commit.
 *
 * @module
 */

/** Folders whose exports only tests keep alive: such code has lost its user, and its tests prove nothing. */
const PRODUCT = /^(main\.ts|agent\/|control\/|health\/)/;
const TESTS = /^tests\//;
/** Stand-ins for modules of other packages, which import them. */
const FOREIGN = /^offline\//;

const EXPORT =
  /^export (?:declare )?(?:abstract )?(?:async )?(function\*?|class|const|let|enum|interface|type) (\w+)/gm;
const REEXPORT = /^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm;
const IMPORT =
  /^import (?:type )?(?:\w+(?:, )?)?(\* as \w+|\{[^}]*\})? ?from "([^"]+)"|\bimport\("([^"]+)"\)(?:\.(\w+))?/gm;

interface Export {
  readonly name: string;
  readonly line: number;
  readonly isType: boolean;
}

/** What one file takes from another; `everything` if it is not known which names. */
type Taken = Set<string> | "everything";

/**
 * Checks the files of a repository; every sentence returned names an export without a user.
 *
 * A type that its own file uses may be exported: it is part of the signature of something that is.
 *
 * @param paths files of the repository, relative to `root`; those that are not TypeScript are left out
 */
export async function checkExports(root: string, paths: readonly string[]): Promise<string[]> {
  const texts = new Map<string, string>();
  const own = paths.filter((path) => /\.tsx?$/.test(path) && !FOREIGN.test(path));
  for (const path of own) texts.set(path, await Deno.readTextFile(`${root}/${path}`));
  const users = new Map<string, Map<string, Taken>>();
  for (const [path, text] of texts) {
    for (const [target, taken] of importsOf(path, text)) {
      users.set(target, (users.get(target) ?? new Map()).set(path, taken));
    }
  }
  return [...texts].flatMap(([path, text]) =>
    exportsOf(text).map((it) => problemOf(path, text, it, users.get(path) ?? new Map()))
  ).filter((problem) => problem !== undefined).sort();
}

function problemOf(path: string, text: string, it: Export, users: Map<string, Taken>): string | undefined {
  const importers = [...users].filter(([, taken]) => taken === "everything" || taken.has(it.name));
  const isUsedHere = [...text.matchAll(new RegExp(`\\b${it.name}\\b`, "g"))].some(({ index }) => {
    const line = text.slice(text.lastIndexOf("\n", index) + 1, index);
    return !/^export [\w* ]*$/.test(line) && !/^\s*(\/?\*|\/\/)/.test(line);
  });
  const where = `${path}:${it.line} exports ${it.name}`;
  if (importers.length === 0) {
    if (!isUsedHere) return `${where}, which nothing uses: remove it`;
    return it.isType ? undefined : `${where}, which only this file uses: do not export it`;
  }
  if (isUsedHere || !PRODUCT.test(path) || importers.some(([user]) => !TESTS.test(user))) return undefined;
  return `${where}, which only tests use: remove it, or move it to the tests`;
}

function exportsOf(text: string): Export[] {
  return [...text.matchAll(EXPORT)].map(({ index, 1: kind, 2: name }) => ({
    name: name!,
    line: text.slice(0, index).split("\n").length,
    isType: kind === "interface" || kind === "type",
  }));
}

function importsOf(path: string, text: string): Map<string, Taken> {
  const found = new Map<string, Taken>();
  const add = (specifier: string, taken: Taken) => {
    if (!specifier.startsWith(".")) return;
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    const earlier = found.get(target);
    const all = taken === "everything" || earlier === "everything";
    found.set(target, all ? "everything" : new Set([...earlier ?? [], ...taken]));
  };
  for (const [, names, from] of text.matchAll(REEXPORT)) add(from!, namesIn(names!));
  for (const { 1: clause, 2: from, 3: dynamic, 4: member, index } of text.matchAll(IMPORT)) {
    if (from !== undefined) {
      add(from, clause?.startsWith("*") ? "everything" : namesIn(clause ?? ""));
    } else {
      add(
        dynamic!,
        member !== undefined && member !== "then" ? new Set([member]) : destructured(text, index),
      );
    }
  }
  return found;
}

/** The names in `const { a, b } = await import(...)`; everything in any other use. */
function destructured(text: string, index: number): Taken {
  const names = /\{([^{}]*)\} = await $/.exec(text.slice(0, index))?.[1];
  return names === undefined ? "everything" : namesIn(names);
}

/** The names in a list such as `{ a, type B, c as d }`: those of the exporting file. */
function namesIn(list: string): Set<string> {
  return new Set(
    list.replace(/[{}]/g, "").split(",").map((it) =>
      it.trim().replace(/^type /, "").split(/ as |:/)[0]!.trim()
    )
      .filter((name) => name !== ""),
  );
}
