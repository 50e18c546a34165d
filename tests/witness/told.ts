import { SAME_TIME_MS } from "./rules.ts";

/** Something that was done to the run, or that the run is about; times in milliseconds since 1970. */
export type Told =
  | { readonly what: "killed" | "stopped" | "shifted"; readonly agent: string; readonly at: number }
  /** `agent` is `*` if it hit all of them; `until` is missing if it lasted to the end. */
  | { readonly what: "cut"; readonly agent: string; readonly at: number; readonly until?: number };

/** What was done to the agents: it tells what excuses a run that was made twice. */
export class Disturbances {
  readonly #told: readonly Told[];

  constructor(told: readonly Told[]) {
    // How long a cut lasted is told when it is over.
    this.#told = [...new Map(told.map((each) => [`${each.what} ${each.agent} ${each.at}`, each])).values()];
  }

  /** Whether there were any that may have lost something. */
  get any(): boolean {
    return this.#told.some(({ what }) => what === "killed" || what === "cut");
  }

  /** Why an agent may have lost what it held from `sinceMs` to `untilMs`; undefined if there is no reason. */
  excuse(agent: string, sinceMs: number, untilMs: number): "killed" | "cut" | undefined {
    const hit = this.#told.filter((each) =>
      (each.agent === agent || each.agent === "*") && each.at <= untilMs + SAME_TIME_MS
    );
    if (hit.some(({ at, what }) => what === "killed" && at >= sinceMs - SAME_TIME_MS)) return "killed";
    return hit.some((each) => isCutSince(each, sinceMs)) ? "cut" : undefined;
  }

  /** Whether an agent was cut off at some time between. */
  wasCutOff(agent: string, sinceMs: number, untilMs: number): boolean {
    return this.#told.some((each) =>
      (each.agent === agent || each.agent === "*") && each.at <= untilMs && isCutSince(each, sinceMs)
    );
  }

  /** Whether an agent may release what it works on: it was told to end by then, or cut off while it held it. */
  mayRelease(agent: string, sinceMs: number, atMs: number): boolean {
    const wasStopped = this.#told.some(({ agent: whose, at, what }) =>
      what === "stopped" && whose === agent && at <= atMs + SAME_TIME_MS
    );
    return wasStopped || this.wasCutOff(agent, sinceMs, atMs);
  }

  /** Whether the times of an agent's runs tell nothing. */
  isShifted(agent: string): boolean {
    return this.#told.some((each) => each.what === "shifted" && each.agent === agent);
  }
}

function isCutSince(told: Told, sinceMs: number): boolean {
  return told.what === "cut" && (told.until ?? Infinity) >= sinceMs - SAME_TIME_MS;
}
