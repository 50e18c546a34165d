import { type BacklogCount, HISTORY_STEP_MS, HISTORY_STEPS } from "../../agent/fleet/fleet_view.ts";
import type { Overview } from "./overview.ts";
import type { Counted } from "../../agent/store/fleet/work_counts.ts";
import { stepBefore } from "./fleet_history.ts";

/** How fast what waits falls is measured over so long, in milliseconds: at least, and at most. */
const [LEAST_MS, MOST_MS] = [20_000, 60_000];

/** A count at a time of the server's clock. */
interface Seen extends Counted {
  readonly atMs: number;
}

/** What has waited in the last ten minutes, as this process and the agents have seen it. */
export class WaitingTrend {
  /** Of each step the last count, the oldest first. */
  #steps: Seen[] = [];
  /** Of the last minute all counts, the oldest first. */
  #recent: Seen[] = [];

  /** Takes a count in; the same one may come several times. */
  add(at: Date, { n, capped }: Counted): void {
    const atMs = at.getTime();
    const last = this.#recent.at(-1);
    if (last && atMs === last.atMs) return;
    const seen = { atMs, n, capped };
    // What was seen later was seen before the server's clock was set back.
    const before = (each: Seen) => each.atMs < atMs;
    this.#recent = [...this.#recent.filter((each) => before(each) && each.atMs >= atMs - MOST_MS), seen];
    const others = this.#steps.filter((each) => before(each) && stepBefore(each.atMs) !== stepBefore(atMs));
    this.#steps = [...others, seen].slice(-HISTORY_STEPS - 5);
  }

  /**
   * What waited in each step until this time.
   *
   * @param counted by agents, also before this process began to look. They count up to a smaller number than this process
   */
  history(
    until: Date,
    counted: readonly BacklogCount[],
  ): Pick<Overview["history"], "waiting" | "waiting_capped"> {
    const steps = new Map<number, Counted>([
      ...counted.map(({ at, capped, claimable }) =>
        [endOfStep(at.getTime()), { n: claimable, capped }] as const
      ),
      ...this.#steps.map((seen) => [endOfStep(seen.atMs), seen] as const),
    ]);
    const ends = Array.from(
      { length: HISTORY_STEPS },
      (_, index) => until.getTime() - (HISTORY_STEPS - 1 - index) * HISTORY_STEP_MS,
    );
    return {
      waiting: ends.map((end) => steps.get(end)?.n ?? null),
      waiting_capped: ends.map((end) => steps.get(end)?.capped ?? false),
    };
  }

  /**
   * In how many seconds nothing waits any more; null if it does not fall, or is not known.
   *
   * @param processedPerS what counts while the fall is not known
   */
  drainedInS(processedPerS: number | null): number | null {
    const last = this.#recent.at(-1);
    if (!last) return null;
    if (last.n === 0) return 0;
    const first = this.#recent[0]!;
    const isMeasured = !last.capped && !first.capped && last.atMs - first.atMs >= LEAST_MS;
    const perS = isMeasured ? (first.n - last.n) / ((last.atMs - first.atMs) / 1000) : processedPerS ?? 0;
    return perS > 0 ? Math.round(last.n / perS) : null;
  }
}

function endOfStep(timeMs: number): number {
  return stepBefore(timeMs) + HISTORY_STEP_MS;
}
