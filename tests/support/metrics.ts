import { assertEquals } from "@std/assert";
import type { Facts } from "../../agent/metrics/instrument.ts";
import type { Requirement } from "./optional.ts";

export const FACTS: Facts = { database: "shop", collection: "orders", version: "1.2.3", commit: "abc" };

/** Looking at metrics as Prometheus does. */
export const PROMTOOL: Requirement = {
  what: "tests of metrics with promtool",
  why: "there is no promtool here",
  install: "run scripts/ci_tools.sh, or install Prometheus",
  probe: ["promtool", "--version"],
};

/** Throws if Prometheus would find anything odd about a text. */
export async function checkWithPromtool(text: string): Promise<void> {
  const child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stderr, stdout } = await child.output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stdout), decoder.decode(stderr)], [0, "", ""]);
}

/** The value of one series in a text, such as `pulling_agent_ready` or `a_total{outcome="x"}`; undefined without it. */
export function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** A port that no process listens on. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Sends bytes to a port and returns all that comes back until the other end closes. */
export async function converse(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}
