/**
 * Starting programs so that none outlives the script that started it.
 *
 * @module
 */

/** What can be chosen for a program started with {@linkcode spawnTied}. */
export interface TiedOptions {
  /** Environment variables added to those of this process. */
  env?: Record<string, string>;
  /** Variables of this process which the program must not see. */
  withoutEnv?: string[];
  /** Working directory. */
  cwd?: string;
  /** What happens to standard output and error. Default: "inherit". */
  stdout?: "inherit" | "null" | "piped";
  stderr?: "inherit" | "null" | "piped";
}

let canTie: Promise<boolean> | undefined;

/** Whether `setpriv` can make the kernel kill a child together with its parent (Linux with util-linux). */
async function setprivWorks(): Promise<boolean> {
  if (await findProgram("setpriv") === undefined) return false;
  const attempt = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "true"],
    stdout: "null",
    stderr: "null",
  });
  return (await attempt.output()).success;
}

/**
 * Starts a program in a session of its own, so that a terminal's Ctrl-C reaches only this script, which then decides
 * the order in which things end. If the system can do it, the kernel kills the program when this process dies.
 *
 * @throws {Deno.errors.NotFound} if there is no such program
 */
export async function spawnTied(
  program: string,
  args: string[],
  options: TiedOptions = {},
): Promise<Deno.ChildProcess> {
  canTie ??= setprivWorks();
  const tie = await canTie ? ["setpriv", "--pdeathsig", "KILL"] : [];
  const [command, ...rest] = [...tie, program, ...args] as [string, ...string[]];
  const { withoutEnv = [], env = {}, ...others } = options;
  const environment = { ...Deno.env.toObject(), ...env };
  for (const name of withoutEnv) delete environment[name];
  return new Deno.Command(command, {
    stdout: "inherit",
    stderr: "inherit",
    ...others,
    args: rest,
    env: environment,
    clearEnv: true,
    stdin: "null",
    detached: true,
  }).spawn();
}

/** The path of a program given by name or path, as a shell would find it; undefined if it would not. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = name.includes("/")
    ? [""]
    : (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/`);
  for (const folder of folders) {
    const found = await Deno.stat(folder + name).catch(() => undefined);
    if (found?.isFile && ((found.mode ?? 0o111) & 0o111) !== 0) return folder + name;
  }
  return undefined;
}

/** Sends a signal to a process started with {@linkcode spawnTied} and to all it has started; quiet if it has ended. */
export function signalGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    Deno.kill(-child.pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Ends a process and all it has started: asks, and kills after `graceMs`. Resolves when it is gone. */
export async function endGroup(child: Deno.ChildProcess, graceMs: number): Promise<void> {
  signalGroup(child, "SIGTERM");
  const insist = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
  await child.status;
  clearTimeout(insist);
  signalGroup(child, "SIGKILL");
}
