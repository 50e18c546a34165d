/** Ticks of the kernel's clock in a second, in which it counts the time of processes. */
const TICKS_PER_SECOND = 100;

/** CPU that a process has used so far, in milliseconds, all its threads together. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

/** The most memory that a process has had resident, in MiB. */
export async function peakMib(pid: number): Promise<number> {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await Deno.readTextFile(`/proc/${pid}/status`));
  return Number(peak![1]) / 1024;
}
