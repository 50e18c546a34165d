import { CommandError, errorText } from "../agent/errors.ts";

const encoder = new TextEncoder();

/**
 * Writes to the terminal, all of it.
 *
 * @throws {CommandError} If that is not possible.
 */
export async function writeToTerminal(text: string): Promise<void> {
  const bytes = encoder.encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += await Deno.stdout.write(bytes.subarray(done));
  } catch (error) {
    throw new CommandError(
      `The terminal cannot be written (${errorText(error)}): look at where standard output goes`,
      { cause: error },
    );
  }
}

/** The size of the terminal, in cells; undefined if it does not tell, as some do at first. */
export function terminalSize(): { columns: number; rows: number } | undefined {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}
