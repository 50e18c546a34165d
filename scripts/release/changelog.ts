/**
 * Prints the section of a version in CHANGELOG.md, as the text of its release: `changelog.ts 1.2.3`.
 *
 * @module
 */

/**
 * The section of a version, without its heading.
 *
 * @throws {Error} if the changelog has no such section, or an empty one; the message says how to mend it
 */
export function sectionOf(changelog: string, version: string): string {
  const [, ...sections] = changelog.split(/^## (?=\[)/m);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  if (section === undefined) {
    throw new Error(
      `CHANGELOG.md has no section for ${version}: rename [Unreleased] to [${version}] - YYYY-MM-DD`,
    );
  }
  const [heading = "", ...lines] = section.split("\n");
  // Links to versions stand behind the last section.
  const text = lines.join("\n").replace(/^\[[^\]]+\]: .*$/gm, "").trim();
  if (text === "") {
    throw new Error(`CHANGELOG.md says nothing under ${heading}: say there what changes for users`);
  }
  return `${text}\n`;
}

if (import.meta.main) {
  const [version] = Deno.args;
  if (version === undefined) {
    console.error("changelog.ts: give the version, such as 1.2.3");
    Deno.exit(2);
  }
  try {
    const changelog = await Deno.readTextFile(new URL("../../CHANGELOG.md", import.meta.url));
    await Deno.stdout.write(new TextEncoder().encode(sectionOf(changelog, version)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
