/**
 * The documents and their shell blocks.
 *
 * @module
 */

import { assert } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** A block of shell commands in a document. */
export interface Block {
  file: string;
  line: number;
  mark: string;
  text: string;
}

/** The paths of the documents from the root of the project. */
export async function documents(): Promise<string[]> {
  const found = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(`${ROOT}/docs`)) {
    if (name.endsWith(".md")) found.push(`docs/${name}`);
  }
  return found.sort();
}

/** The shell blocks of all documents. */
export async function shellBlocks(): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const file of await documents()) {
    const text = await Deno.readTextFile(`${ROOT}/${file}`);
    for (const match of text.matchAll(/^( *)```(?:sh|bash|shell)\b *(\S*)\n([^]*?)^\1```$/gm)) {
      const line = text.slice(0, match.index).split("\n").length;
      blocks.push({ file, line, mark: match[2]!, text: match[3]!.replaceAll(/^ +/gm, "") });
    }
  }
  assert(blocks.length > 20, "there are documents with shell blocks");
  return blocks;
}

/** Runs a script in the root of the project. */
export async function runScript(
  script: string,
  env: Record<string, string> = {},
): Promise<{ code: number; text: string }> {
  const child = new Deno.Command("sh", { args: ["-eu", "-c", script], cwd: ROOT, env });
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
