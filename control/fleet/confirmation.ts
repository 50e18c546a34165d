import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import type { FleetAgent, FleetControl, FleetLook } from "../../agent/fleet/fleet_view.ts";

/** Time between two looks, in milliseconds. */
const LOOK = { firstMs: 100, mostMs: 1000, factor: 1.5 };

/** How the wait for a fleet has ended. */
export interface Confirmation {
  /** The fleet as the last look found it. */
  readonly look: FleetLook;
  /** The request of another operator that came later, if one did. */
  readonly overruledBy: FleetControl | undefined;
  /** Agents that are alive and have not acted on the request. */
  readonly missing: readonly FleetAgent[];
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
}

/**
 * Waits until each agent that is alive has acted on a request, also those that start meanwhile, or until `limitMs` has
 * passed, `signal` aborts or a later request takes the place of this one. Throws what the look throws.
 */
export async function confirmation(
  id: string,
  { clock, limitMs, look, signal }: ConfirmationOptions,
): Promise<Confirmation> {
  const beganMs = clock.monotonicMs();
  for (let waitMs = LOOK.firstMs;; waitMs = Math.min(LOOK.mostMs, waitMs * LOOK.factor)) {
    const seen = await look();
    const tookMs = clock.monotonicMs() - beganMs;
    const overruledBy = seen.control?.id === id ? undefined : seen.control;
    const missing = seen.agents.filter(({ controlId, presence }) => presence === "alive" && controlId !== id);
    if (overruledBy || missing.length === 0 || tookMs >= limitMs || signal.aborted) {
      return { look: seen, overruledBy, missing, tookMs };
    }
    await sleep(clock, Math.min(waitMs, limitMs - tookMs), signal);
  }
}

/** How it is waited. */
interface ConfirmationOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Looks at the fleet. */
  look(): Promise<FleetLook>;
  readonly signal: AbortSignal;
}
