import type { Text } from "./texts.ts";

/** A text that the program can print, and its place. */
export interface Message extends Text {
  readonly file: string;
  readonly line: number;
}

const PRODUCT = ["main.ts", "agent", "control", "health"];

/** What `deno lint --json` says; only what is used here. */
interface LintReport {
  diagnostics: { code: string; filename: string; message: string; range: { start: { line: number } } }[];
  errors: { file_path: string; message: string }[];
}

/**
 * Reads every text for people from the product's sources below `root`, in the order of files and lines.
 *
 * @throws {Error} If a file cannot be parsed.
 */
export async function collectMessages(root: string): Promise<Message[]> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["lint", "--json", "--config", `${root}/scripts/messages/deno.json`, ...PRODUCT],
    cwd: root,
  }).output();
  const output = new TextDecoder().decode(stdout);
  if (!output) throw new Error(`Cannot read the messages: ${new TextDecoder().decode(stderr).trim()}`);
  const { diagnostics, errors } = JSON.parse(output) as LintReport;
  if (errors.length > 0) throw new Error(`Cannot parse ${errors[0]!.file_path}: ${errors[0]!.message}`);
  return diagnostics.filter(({ code }) => code === "messages/text").map(({ filename, message, range }) => ({
    ...JSON.parse(message) as Text,
    file: filename.replace(/^file:\/\//, "").slice(root.length + 1),
    line: range.start.line,
  })).sort((a, b) => a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1);
}

if (import.meta.main) {
  const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
  for (const { channel, level = "", text, file, line } of await collectMessages(root)) {
    console.log(`${channel.padEnd(8)} ${level.padEnd(7)} ${text}   (${file}:${line})`);
  }
}
