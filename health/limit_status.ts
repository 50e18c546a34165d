import type { RateLimiter } from "../agent/pacing/rate_limiter.ts";
import { formatRate } from "../agent/settings/rate.ts";

/** The limiter of an agent, as far as its status shows it. */
export type LimitOfAgent = Pick<RateLimiter, "isHolding" | "limit" | "perSecond" | "share" | "startInMs">;

/** What `RATE_LIMIT` does to the agent, as the status shows it. */
export interface LimitStatus {
  /** As it is set, such as `50/s`. */
  limit: string;
  /** Documents that this agent may start in a second; 0 as long as it has no share of the fleet's limit. */
  here_per_s: number;
  /** Whether the limit alone keeps it from working faster now. */
  holds_back: boolean;
  /** When the next document may start, in seconds; missing if that is not known. */
  next_in_s?: number;
  /** If the limit is the fleet's: agents that divide it, and agents that have not been seen for a while. */
  fleet?: { agents: number; silent: number };
}

/** What the status shows of a limiter. */
export function limitStatus(limiter: LimitOfAgent): LimitStatus {
  const { fleet } = limiter.share;
  const nextInMs = limiter.startInMs(1);
  return {
    limit: formatRate(limiter.limit),
    here_per_s: rounded(limiter.perSecond),
    holds_back: limiter.isHolding,
    ...(Number.isFinite(nextInMs) && { next_in_s: Math.ceil(nextInMs / 1000) }),
    ...(fleet && { fleet: { agents: fleet.agents, silent: fleet.silent } }),
  };
}

/** The same in words. */
export function limitText({ fleet, here_per_s: here, holds_back: holds, limit }: LimitStatus): string {
  const parts = [limit];
  if (fleet) {
    const agents = `${fleet.agents} ${fleet.agents === 1 ? "agent" : "agents"}`;
    const silent = fleet.silent === 0 ? "" : `, ${fleet.silent} silent`;
    parts.push(`for ${agents}${silent}: ${here} a second here`);
  }
  if (holds) parts.push("holds the agent back now");
  return parts.join(", ");
}

/** To four digits: a share of a rate has more than a reader wants. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
