import { BINARY, startAgent } from "../agent.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { type Bench, freshCollection, inRounds } from "../bench.ts";
import { cpuMs } from "../proc.ts";
import { runToEnd } from "../programs.ts";
import { median } from "../stats.ts";

const SECONDS = { full: 60, quick: 3 };
const PROBES = { full: 20, quick: 3 };

/** What an agent costs that has nothing to do. */
export interface IdleResult {
  /** Share of one core. */
  cpu: number;
  /** The same of the database server, which has other things to do as well. */
  serverCpu: number;
  seconds: number;
  /** CPU of one `health liveness`, in milliseconds. */
  probeCpuMs: number;
}

/** CPU of an idle agent over one while after the other, then that of its liveness probe. */
export async function measureIdle(bench: Bench): Promise<IdleResult> {
  await freshCollection(bench, "idle");
  await using agent = await startAgent(bench, { collection: "idle" });
  await agent.ready();
  await sleep(systemClock, bench.isQuick ? 500 : 5000);
  const seconds = bench.isQuick ? SECONDS.quick : SECONDS.full;
  const shares = (await inRounds(bench, [agent], async () => {
    const [before, serverBefore] = [await cpuMs(agent.pid), await cpuMs(bench.server.pid)];
    await sleep(systemClock, seconds * 1000);
    const [after, serverAfter] = [await cpuMs(agent.pid), await cpuMs(bench.server.pid)];
    return [after - before, serverAfter - serverBefore].map((ms) => ms / (seconds * 1000));
  })).get(agent)!;
  const [cpu, serverCpu] = [median(shares.map(([own]) => own!)), median(shares.map(([, its]) => its!))];
  const probeCpuMs = await probe(`${agent.dir}/health`, bench.isQuick ? PROBES.quick : PROBES.full);
  bench.say(`idle: ${(cpu * 100).toFixed(2)} % of a core; a probe: ${probeCpuMs.toFixed(0)} ms of CPU`);
  return { cpu, serverCpu, seconds, probeCpuMs };
}

/** The shell tells what its children have used: `0m1.23s 0m0.45s` in its second line. */
async function probe(healthDir: string, times: number): Promise<number> {
  const script =
    'for n in $(seq "$3"); do HEALTH_DIR="$2" "$1" health liveness >/dev/null || exit 1; done; times';
  const printed = await runToEnd("sh", ["-c", script, "probe", BINARY, healthDir, String(times)]);
  const [user, system] = printed.trimEnd().split("\n").at(-1)!.split(" ").map((text) => {
    const [, minutes, seconds] = /(\d+)m([\d.]+)s/.exec(text)!;
    return (Number(minutes) * 60 + Number(seconds)) * 1000;
  });
  return (user! + system!) / times;
}
