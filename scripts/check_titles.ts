/**
 * Checks that each title of a test begins with a symbol, a setting, a command or a feature, so that a search for it
 * finds its tests.
 *
 * It reads text, not syntax, as `check_exports.ts` does.
 *
 * @module
 */

import { houseWordsIn } from "./house_words.ts";

/** Subjects of tests that are not a symbol, a setting or a command. */
const FEATURES = [
  "Ack with fields",
  "Alerts",
  "Build",
  "Chaos",
  "Claim order",
  "Claim protocol",
  "Collections",
  "Commands",
  "Compatible servers",
  "Cut connections",
  "Dead letters",
  "Dashboard",
  "Docs",
  "Documents",
  "Doubts",
  "Driver",
  "Effect writes",
  "Fuzzer",
  "Health files",
  "Held bytes",
  "Held up",
  "Ids",
  "Images",
  "Indexes",
  "Leases",
  "Left alone",
  "Lint",
  "Lost answers",
  "Manifests",
  "Memory",
  "Modules",
  "Odd documents",
  "Outages",
  "Output",
  "Oversize documents",
  "PID 1",
  "Permissions",
  "Pipelines",
  "Probes",
  "Programs",
  "Query plans",
  "Range claims",
  "Refused claims",
  "Refused outcomes",
  "Release",
  "Replicas",
  "Results",
  "Round trips",
  "Secrets",
  "Settings",
  "Settlements",
  "Shutdown",
  "Signals",
  "Soak",
  "Suspects",
  "processBatch",
];

const TITLE = /\bDeno\.test\(\s*(?:\{[^{}]*?\bname:\s*)?(["`])((?:\\.|(?!\1).)*)\1/gs;
const DECLARATION =
  /^(?:export )?(?:declare |abstract |async )*(class|function\*?|const|let|interface|type) (\w+)/gm;
/** A method or a field, at the indentation of a class or an interface. */
const MEMBER = /^ {2}(?:(?:static|async|override|readonly|get) )*(\w+)\??[(<:]/gm;
/** The files with symbols that tests are about. */
const SOURCES =
  /^(main\.ts|(agent|control|health|models|scripts|bench|tests\/(support|fuzz|chaos|witness))\/.*\.ts)$/;
const COMMAND = /^control\/commands\/(\w+)_command\.ts$/;
/** A setting, a signal or another constant; an option; a target of make; a rule of the linter. */
const NAMES = /^([A-Z][A-Z0-9_]{2,}|--[\w-]+|make|house\/[\w-]+)$/;

/** What a title may begin with. */
export interface Subjects {
  readonly symbols: ReadonlySet<string>;
  readonly commands: ReadonlySet<string>;
  /** Names of files, with and without their folders. */
  readonly files: ReadonlySet<string>;
}

/**
 * The titles in the text of a test file, and their lines; titles that a program puts together entirely are left out.
 */
export function titlesIn(text: string): { title: string; line: number }[] {
  return [...text.matchAll(TITLE)].map(({ index, 2: title }) => ({
    title: title!,
    line: text.slice(0, index).split("\n").length,
  })).filter(({ title }) => !title.startsWith("${"));
}

/** Whether a title begins with what it is about. */
export function hasSubject(title: string, { commands, files, symbols }: Subjects): boolean {
  if (FEATURES.some((feature) => title.startsWith(`${feature}:`) || title.startsWith(`${feature} `))) {
    return true;
  }
  const [word = ""] = title.split(/[\s:,]/);
  const [name = ""] = word.split(/[.(#]/);
  return NAMES.test(word) || commands.has(word) || files.has(word) || symbols.has(name) || symbols.has(word);
}

/** What the sources of a repository declare, by the paths of its files. */
async function subjectsOf(root: string, paths: readonly string[]): Promise<Subjects> {
  const symbols = new Set<string>();
  for (const path of paths.filter((each) => SOURCES.test(each))) {
    const text = await Deno.readTextFile(`${root}/${path}`);
    for (const [, kind, name] of text.matchAll(DECLARATION)) {
      // A title does not mean a constant with an everyday name by that word, unless it is written as a call.
      symbols.add(kind!.startsWith("function") || /[A-Z]/.test(name!) ? name! : `${name}()`);
    }
    for (const [, name] of text.matchAll(MEMBER)) symbols.add(/[A-Z]/.test(name!) ? name! : `${name}()`);
  }
  const commands = paths.flatMap((path) => COMMAND.exec(path)?.[1]?.replaceAll("_", "-") ?? []);
  const files = paths.flatMap((path) => [path, path.slice(path.lastIndexOf("/") + 1)]);
  return { symbols, commands: new Set(commands), files: new Set(files) };
}

/** Reports each test whose title begins with anything else, or has a word that the house dictionary refuses. */
export async function checkTitles(root: string, paths: readonly string[]): Promise<string[]> {
  const subjects = await subjectsOf(root, paths);
  const found: string[] = [];
  for (const path of paths.filter((each) => /^(tests|bench)\/.*_test\.ts$/.test(each))) {
    for (const { line, title } of titlesIn(await Deno.readTextFile(`${root}/${path}`))) {
      found.push(...houseWordsIn(title).map((problem) => `${path}:${line} ${problem}`));
      if (hasSubject(title, subjects)) continue;
      found.push(
        `${path}:${line} begins with no symbol, setting, command or feature (scripts/check_titles.ts): ${title}`,
      );
    }
  }
  return found;
}
