import { timeOfDayMs } from "../../lib/builtins.ts";

/**
 * The wait that a header `Retry-After` asks for, in milliseconds; undefined if there is none that can be read. It is a
 * number of seconds, or a date. A date is compared with the server's own clock (`Date`), and without it with ours.
 */
export function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  // Only dates of HTTP: the runtime reads much else as a date.
  const at = /GMT$|^\w+ \w+ +\d+ [\d:]+ \d{4}$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at)) return undefined;
  const servers = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(servers) ? timeOfDayMs() : servers));
}
