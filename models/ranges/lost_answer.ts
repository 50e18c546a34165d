import type { Step } from "../explorer.ts";
import { faulty, type RangeState, withLate } from "./state.ts";
import type { LateWrite } from "./task.ts";

/**
 * The step in which a write gets no answer, if this may still happen: its sender goes on from `state`, and the write is under
 * way.
 */
export function lostAnswer(label: string, state: RangeState, write: LateWrite): Step<RangeState>[] {
  const lost = faulty(state, "lose");
  return lost ? [{ label, state: withLate(lost, write) }] : [];
}
