/** Ticks of the kernel's clock in a second, in which it counts the time of processes. */
const TICKS_PER_SECOND = 100;

/** CPU that a process has used so far, in milliseconds, all its threads together. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

/** The same of a process and all that it has ever started, also of those that have ended. */
export async function cpuMsOfAll(pid: number): Promise<number> {
  for (;;) {
    const before = await withChildren(pid);
    const all = await Promise.all(before.map(async (each) => {
      const stat = await Deno.readTextFile(`/proc/${each}/stat`).catch(() => "");
      // Its own time, and that of its children that have ended.
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15);
      return ticks.reduce((sum, each) => sum + Number(each), 0);
    }));
    // The time of one that ended meanwhile may be missing, or be counted twice.
    if (String(before) !== String(await withChildren(pid))) continue;
    return all.reduce((sum, ticks) => sum + ticks, 0) * 1000 / TICKS_PER_SECOND;
  }
}

/** CPU of all processes that this one has started and that have ended, in milliseconds. */
export async function cpuMsOfEnded(): Promise<number> {
  const stat = await Deno.readTextFile("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 1000 / TICKS_PER_SECOND;
}

/** The most memory that a process has had resident, in MiB. */
export async function peakMib(pid: number): Promise<number> {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await Deno.readTextFile(`/proc/${pid}/status`));
  return Number(peak![1]) / 1024;
}

/** A process and all that it has started, and these, directly or not. */
export async function withChildren(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // It may have ended meanwhile.
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const all = [pid];
  // The list grows while it is read.
  for (const parent of all) {
    for (const [child, its] of parents) if (its === parent) all.push(child);
  }
  return all;
}
