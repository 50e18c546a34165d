import { errorText, UsageError } from "../../errors.ts";
import { isNotFound } from "../../lib/read_file.ts";

/**
 * The path of a program: the name itself if it has a slash, or else what is found in `PATH`. Whether it can be started
 * shows only then; what can be known before is reported at the start.
 *
 * @throws {UsageError} if there is no such program, or it is not executable.
 */
export function findProgram(name: string, path: string | undefined): string {
  if (name.includes("/")) {
    const problem = problemOf(name);
    if (problem === undefined) return name;
    throw new UsageError(`PROCESSOR=exec: names ${name}, which ${problem}`);
  }
  let first: string | undefined;
  for (const folder of (path ?? "").split(":").filter((each) => each !== "")) {
    const file = `${folder}/${name}`;
    const problem = problemOf(file);
    if (problem === undefined) return file;
    if (problem !== MISSING) first ??= `PROCESSOR=exec: names ${name}, found as ${file}, which ${problem}`;
  }
  throw new UsageError(
    first ??
      `PROCESSOR=exec: names ${name}, which is in no directory of PATH (${
        path ?? "not set"
      }): put it there, or name its path`,
  );
}

const MISSING = "does not exist: check the path";

function problemOf(file: string): string | undefined {
  try {
    const info = Deno.statSync(file);
    if (!info.isFile) return "is not a file: name the program itself";
    if (info.mode !== null && (info.mode & 0o111) === 0) {
      return "is not executable: make it so (chmod +x), or name what runs it first, as in exec:python3 FILE";
    }
  } catch (error) {
    return isNotFound(error) ? MISSING : `cannot be looked at: ${errorText(error)}`;
  }
}
