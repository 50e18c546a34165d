/**
 * What the dashboard asks about the rate limit.
 *
 * @module
 */

import { INSTRUMENTS as I } from "../../agent/metrics/instruments.ts";
import { chart } from "./panels.ts";
import { quantile, series, sum } from "./promql.ts";
import type { Panels } from "./work_rows.ts";

/** Does the rate limit hold it back? */
export function limitPanels(): Panels {
  return [
    chart({
      title: "Rate limit, and how much of the time it holds agents back",
      description:
        "limit: the documents that all agents may start in a second by RATE_LIMIT. held back: the share of the time in which the limit alone kept an agent waiting; near 100 % the limit is used up, and what comes in beyond it waits. Empty without RATE_LIMIT.",
      unit: "short",
      span: 12,
      queries: [
        [sum(I.rateLimit), "limit"],
        [`max(rate(${series(I.rateLimitedSeconds)}[$__rate_interval])) * 100`, "held back, %"],
      ],
    }),
    chart({
      title: "Time from claim to start, with a rate limit",
      description:
        "Documents are claimed so that they start within about a second. More means that handlers are slow, not the limit.",
      unit: "s",
      span: 12,
      queries: [
        [quantile(0.5, I.rateLimitWait), "half wait less than"],
        [quantile(0.95, I.rateLimitWait), "95 % wait less than"],
      ],
    }),
  ];
}
