/** A part of a document that is generated, between two marks that name it. */
export interface GeneratedPart {
  mark: string;
  content: string;
}

/**
 * The document with the part between its marks replaced.
 *
 * @param file the name of the document, for the error
 * @throws {Error} if the document has no such marks
 */
export function withPart(text: string, { mark, content }: GeneratedPart, file: string): string {
  const [start, end] = [`<!-- generated: ${mark} -->`, `<!-- /generated: ${mark} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`${file} has no part between ${start} and ${end}: put the marks in`);
  }
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/**
 * Formats a text as `deno fmt` does, so that the two never disagree.
 *
 * @param kind the ending of its file's name
 */
export async function formatted(text: string, kind: "md" | "json" | "svg"): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", `--ext=${kind}`, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, success } = await child.output();
  if (!success) throw new Error("deno fmt failed");
  return new TextDecoder().decode(stdout);
}
