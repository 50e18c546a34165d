import { useMemo } from "preact/hooks";
import type { Overview } from "../../fleet/overview.ts";
import { Chart, type Line } from "./chart.tsx";
import { milliseconds, rate, whole } from "./format.ts";

/** The last ten minutes of all agents. */
export function Charts({ history }: { history: Overview["history"] }) {
  const { every_s, until, processed, failed, dead_letters, pick_up_ms, waiting, waiting_capped } = history;
  const data = useMemo(() => {
    const end = Date.parse(until) / 1000;
    const perSecond = (values: number[]) => values.map((value) => value / every_s);
    return {
      times: processed.map((_, at) => end - (processed.length - 1 - at) * every_s),
      processed: perSecond(processed),
      failed: perSecond(failed),
      letters: perSecond(dead_letters),
    };
  }, [until, processed, failed, dead_letters]);
  const { times } = data;
  const backlog = useMemo(() => backlogLines(waiting, waiting_capped), [waiting, waiting_capped]);
  const isBound = backlog.length > 1;
  const most = (values: (number | null)[]) => Math.max(0, ...values.map((value) => value ?? 0));
  const last = (values: (number | null)[]) => values.at(-1) ?? 0;
  return (
    <section class="charts" aria-label="The last ten minutes">
      <Chart
        title="Processed per second"
        summary={`Processed per second in the last ten minutes: at most ${rate(most(data.processed))}, now ${
          rate(last(data.processed))
        }`}
        times={times}
        lines={[{ label: "processed", color: "good", values: data.processed, isFilled: true }]}
        format={rate}
      />
      <Chart
        title="Failing per second"
        summary={`Attempts that failed per second in the last ten minutes: at most ${
          rate(most(data.failed))
        }; dead letters: at most ${rate(most(data.letters))}`}
        times={times}
        lines={[
          { label: "attempts", color: "amber", values: data.failed },
          { label: "dead letters", color: "red", values: data.letters },
        ]}
        format={rate}
      />
      <Chart
        title="Longest pick-up delay"
        summary={`Longest pick-up delay in the last ten minutes: ${milliseconds(most(pick_up_ms))}`}
        times={times}
        lines={[{ label: "delay", color: "accent", values: pick_up_ms }]}
        format={milliseconds}
      />
      <Chart
        title="Waiting"
        summary={`Documents that waited in the last ten minutes: at most ${whole(most(waiting))}${
          isBound ? " or more" : ""
        }, now ${whole(last(waiting))}`}
        times={times}
        lines={backlog}
        format={whole}
      />
    </section>
  );
}

/** What waited; what was counted up to a limit is a line of its own, because the limits of those who count differ. */
function backlogLines(waiting: (number | null)[], capped: boolean[]): Line[] {
  const some = (wanted: boolean) => waiting.map((n, at) => capped[at] === wanted ? n : null);
  const exact: Line = { label: "waiting", color: "accent", values: some(false), isFilled: true };
  if (!capped.includes(true)) return [exact];
  return [exact, { label: "at least", color: "amber", values: some(true), isDashed: true }];
}
