import { type Clock, systemClock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
import { hostInAddress, type ListenAddress } from "./listen_address.ts";

/** A dashboard has so long to answer, in milliseconds: its page is in its memory, and no look at MongoDB is needed. */
const LIMIT_MS = 3000;
/** The first line of an answer is much shorter, in bytes. */
const MAX_BYTES = 512;

/** The answer to a probe, and the sentence with the reason. */
export interface DashboardProbeAnswer {
  readonly isYes: boolean;
  readonly text: string;
}

/**
 * Asks whether a dashboard of this machine serves its page. A MongoDB that does not answer is not its fault: a restart
 * would not mend it, and the page itself shows it.
 *
 * It speaks by itself, as `fetch` would go by `HTTP_PROXY`. Never throws.
 */
export async function probeDashboard(
  { hostname, port }: ListenAddress,
  base: string,
  clock: Clock = systemClock,
): Promise<DashboardProbeAnswer> {
  const host = reachable(hostname);
  const place = `${hostInAddress(host)}:${port}`;
  const ending = new AbortController();
  const no = (why: string): DashboardProbeAnswer => ({ isYes: false, text: `dashboard: no, ${why}` });
  try {
    const request = `HEAD ${base} HTTP/1.1\r\nHost: ${place}\r\n\r\n`;
    const asked = firstLine({ hostname: host, port }, request, ending.signal);
    const line = await doneBy(asked, { clock, limitMs: LIMIT_MS });
    if (line === undefined) return no(`there was no answer at ${place} within ${LIMIT_MS / 1000} s`);
    if (/^HTTP\/1\.1 200 /.test(line)) {
      return { isYes: true, text: `dashboard: yes, it answers at http://${place}${base}` };
    }
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(line) ?? [];
    const answer = status === undefined ? "without a status" : `with the status ${status}`;
    return no(
      `http://${place}${base} answers ${answer}: give --probe the --listen and --base of the dashboard`,
    );
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) {
      return no(`nothing listens on ${place}: give --probe the --listen of the dashboard`);
    }
    return no(`${place} cannot be asked (${(error as Error).message})`);
  } finally {
    ending.abort();
  }
}

/** The first line of what is answered; as much of it as came if it ends before. */
async function firstLine(to: Deno.ConnectOptions, request: string, signal: AbortSignal): Promise<string> {
  using connection = await Deno.connect({ ...to, signal });
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(MAX_BYTES);
    let text = "";
    for (let length = 0; length < buffer.length && !text.includes("\r\n");) {
      const read = await connection.read(buffer.subarray(length));
      if (read === null) break;
      length += read;
      text = new TextDecoder().decode(buffer.subarray(0, length));
    }
    return text;
  } finally {
    // To close a connection twice throws.
    signal.removeEventListener("abort", close);
  }
}

/** Where a process of this machine reaches what listens on an address. */
function reachable(hostname: string): string {
  return hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "::1" : hostname;
}
