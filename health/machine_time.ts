/**
 * An instant by two clocks: one that people read, and one that cannot be set.
 *
 * The time of day jumps when it is set (by NTP, by hand, by a suspended virtual machine). An age that depends on it
 * alone makes a probe fail, or pass, for as long as the jump was wide. The uptime of the machine is the same number for
 * every process on it, including containers, and only grows.
 */
export interface Stamp {
  at: string;
  /** Seconds that the machine had been up. Missing if the system does not report it. */
  machine_uptime_s?: number | undefined;
}

/** The two differ by this much at most, in milliseconds, unless a clock was set: one of them counts whole seconds. */
const ROUNDING_MS = 2500;

/** This instant. */
export function stamp(): Stamp {
  const uptime = machineUptime();
  return { at: new Date().toISOString(), ...(uptime !== undefined && { machine_uptime_s: uptime }) };
}

/** How long ago a stamp was made, in milliseconds; `Infinity` if the machine has started since. */
export function ageMs(made: Stamp, now: Stamp = stamp()): number {
  const byDayMs = Date.parse(now.at) - Date.parse(made.at);
  if (made.machine_uptime_s === undefined || now.machine_uptime_s === undefined) return Math.max(0, byDayMs);
  const byUptimeMs = (now.machine_uptime_s - made.machine_uptime_s) * 1000;
  if (byUptimeMs < -ROUNDING_MS) return Infinity;
  const isDaySteady = Math.abs(byDayMs - byUptimeMs) <= ROUNDING_MS;
  return Math.max(0, isDaySteady ? byDayMs : byUptimeMs);
}

/** The stamp in the text of a health file; undefined if there is none, as in a file of an earlier version. */
export function stampIn(text: string): Stamp | undefined {
  try {
    const { at, machine_uptime_s } = JSON.parse(text);
    if (Number.isNaN(Date.parse(at))) return undefined;
    return { at, ...(typeof machine_uptime_s === "number" && { machine_uptime_s }) };
  } catch {
    return undefined;
  }
}

function machineUptime(): number | undefined {
  try {
    // 0 means that the system did not answer.
    return Deno.osUptime() || undefined;
  } catch {
    return undefined;
  }
}
