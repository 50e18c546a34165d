/** What is used up, by the code of the operating system, the number of the code under Linux, and what to do. */
const RESOURCES = [
  {
    code: "EMFILE",
    number: 24,
    mend:
      "this process has too many open files: raise its limit (ulimit -n), and if their number grows, look for " +
      "files and connections that the processor does not close",
  },
  {
    code: "ENFILE",
    number: 23,
    mend: "this machine has too many open files: raise its limit (sysctl fs.file-max), or move the pod",
  },
  { code: "ENOSPC", number: 28, mend: "no space is left: free some, or raise the size limit of the volume" },
  {
    code: "EDQUOT",
    number: 122,
    mend: "the quota of the disk is used up: free some space, or raise the quota",
  },
] as const;

/**
 * What the operating system has run out of if that is why an operation failed, and what to do about it; undefined for
 * other errors. Causes count as well.
 */
export function usedUp(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as Error & { code?: unknown };
    const found = RESOURCES.find((known) =>
      known.code === code || each instanceof Error && each.message.includes(`(os error ${known.number})`)
    );
    if (found) return found.mend;
  }
}

/** The same if the process can open no more files now: the runtime reports a socket that it cannot make as refused. */
export function filesUsedUp(): string | undefined {
  try {
    Deno.openSync("/dev/null").close();
  } catch (error) {
    return usedUp(error);
  }
}
