/**
 * The house dictionary, as far as a program can look it up: words that are not written for people, and what to write
 * instead. CONTRIBUTING.md has all of it, with examples.
 *
 * @module
 */

/** In documents, messages, comments and titles of tests. */
const WORDS: Record<string, string> = {
  whoever: "the caller, another agent, you",
  whichever: "any",
  whatever: "any, or name what it is",
  wherever: "the place itself",
  nobody: "no one, no agent, no handler",
  somebody: "another agent, another process, you",
  everybody: "all agents, all users",
  elsewhere: "the place itself",
  "at the most": "at most",
  "at the least": "at least",
  "told of": "reported, logged",
  "cannot be had": "is not available",
  "of ours": "its own, the agent's",
  "for ever": "forever",
  "hand back": "release",
  "hands back": "releases",
  "handed back": "released",
  "handing back": "releasing",
};

/** The same for "where" that means "if": the phrases that give it away. */
const CONDITIONS = [
  "(?:undefined|false|true|throws|fails|only|even) where",
  "where (?:given|known|needed|possible|wanted)",
  "where there (?:is|are)",
];

const FORBIDDEN = new RegExp(`\\b(?:(${Object.keys(WORDS).join("|")})|${CONDITIONS.join("|")})\\b`, "gi");

/** Documents; the lines of CHANGELOG.md are history. */
const DOCUMENT = /^(?!CHANGELOG)([A-Z]+|docs\/.*|\.github\/.*)\.md$/;
const TYPESCRIPT = /\.ts$/;
/** Files with comments that begin with `#`. */
const SCRIPT = /\.(sh|ya?ml|env)$|^(Makefile|Dockerfile)$|^\.githooks\//;

/** Files that have the words because they test this check. */
const EXCEPTIONS: ReadonlySet<string> = new Set(["tests/unit/house_words_test.ts"]);

/** Says of each forbidden word in a text what to write instead. */
export function houseWordsIn(text: string): string[] {
  return [...text.matchAll(FORBIDDEN)].map(([found, word]) =>
    `says "${found}": say ${word === undefined ? "if" : WORDS[word.toLowerCase()]}`
  );
}

/**
 * Reports each line of a document, and of a comment in a source, that has a forbidden word. Code is left alone: what a
 * program prints or is called is not for the text to choose.
 */
export async function checkWords(root: string, paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths.filter((each) => !EXCEPTIONS.has(each))) {
    const proseOf = prose(path);
    if (proseOf === undefined) continue;
    const text = await Deno.readTextFile(`${root}/${path}`).catch(() => "");
    for (const [index, line] of withoutCode(proseOf(text)).split("\n").entries()) {
      found.push(...houseWordsIn(line).map((problem) => `${path}:${index + 1} ${problem}`));
    }
  }
  return found;
}

/** How to get the text for people out of a file, line by line; undefined for files without any. */
function prose(path: string): ((text: string) => string) | undefined {
  if (DOCUMENT.test(path)) return (text) => text;
  if (TYPESCRIPT.test(path)) return commentsOf;
  if (SCRIPT.test(path)) return hashCommentsOf;
  return undefined;
}

/**
 * The comments of TypeScript, and blank lines for the code. It reads text, not syntax: each line of a comment begins
 * with its mark in this house, and no text in the code has a blank before and after two slashes.
 */
function commentsOf(text: string): string {
  return text.replaceAll(
    /^.*$/gm,
    (line) =>
      /^\s*(?:\/?\*+\/?|\/\/)(?: (.*?))?(?:\*\/)?$/.exec(line)?.[1] ?? /\s\/\/ (.*)$/.exec(line)?.[1] ?? "",
  );
}

/** The comments that begin with `#`, and blank lines for the rest. */
function hashCommentsOf(text: string): string {
  return text.replaceAll(/^.*$/gm, (line) => /(?:^|\s)#+ (.*)$/.exec(line)?.[1] ?? "");
}

/** The text with blank lines for its blocks of code, and nothing for code in a line, so that line numbers stay. */
function withoutCode(text: string): string {
  return text
    .replaceAll(/^( *)(`{3,}).*\n[^]*?^\1\2$/gm, (block) => block.replaceAll(/[^\n]/g, ""))
    .replaceAll(/`[^`\n]+`/g, "");
}
