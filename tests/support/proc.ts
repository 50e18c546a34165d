/**
 * The text of a file that the kernel makes, such as those below `/proc`: Deno itself reads them only with all
 * permissions there are.
 *
 * @throws {Error} if it cannot be read
 */
export async function readProc(path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("cat", { args: [path] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Whether a process has ended; one whose parent has not looked yet counts as well. */
export async function isGone(pid: number): Promise<boolean> {
  try {
    // Behind the name, which may hold anything.
    return /^.*\) Z /s.test(await readProc(`/proc/${pid}/stat`));
  } catch (error) {
    if (/No such (file|process)/.test((error as Error).message)) return true;
    throw error;
  }
}

/** The processes that a process has started itself; none if it has ended. */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `cat /proc/${pid}/task/*/children`],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).split(/\s+/).filter((each) => each !== "").map(Number);
}
