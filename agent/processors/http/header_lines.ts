/** Headers that the agent writes itself, or that belong to the connection. */
const OWN =
  /^(content-(type|length|encoding)|transfer-encoding|connection|host|te|upgrade|expect|idempotency-key|x-attempt|x-snoozes|ce-.*|webhook-.*)$/i;

const HOW = "write a header on each line, as Authorization: Bearer TOKEN";

/**
 * The headers in a file, one on a line as `Name: value`. Empty lines and lines that begin with `#` count for nothing.
 * No message quotes a value.
 *
 * @throws {Error} What is wrong with the content, as a clause.
 */
export function headerLines(content: string): [name: string, value: string][] {
  const lines = content.split(/\r?\n/);
  const found: [string, string][] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    const [, name, value] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new Error(`has no header on line ${index + 1}: ${HOW}`);
    }
    if (OWN.test(name)) {
      throw new Error(`has ${name} on line ${index + 1}, which the agent writes itself: leave it out`);
    }
    if (/[^\t\x20-\x7e]/.test(value)) {
      throw new Error(`has characters on line ${index + 1} that are not ASCII: write the value in ASCII`);
    }
    found.push([name, value]);
  }
  if (found.length === 0) throw new Error(`has no headers: ${HOW}`);
  return found;
}
