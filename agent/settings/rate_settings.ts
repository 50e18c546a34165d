import { setting } from "./declare.ts";
import * as parse from "./parse.ts";
import { formatRate, type Rate, rate } from "./rate.ts";

/** How many documents may be started in a time. */
export const RATE_SETTINGS = {
  rateLimit: setting<Rate | undefined>({
    variable: "RATE_LIMIT",
    parse: parse.parser<Rate | undefined>(rate.accepts, rate, (value) => value ? formatRate(value) : "none"),
    fallback: () => undefined,
    defaultText: "none",
    decides: /^[\d.]+\s*(\/\s*[a-z]+)?$/,
    doc:
      "Most documents that are started in a second (`100`, `100/s`), a minute (`6000/m`), an hour (`3/h`) or a day (`50/d`). Each run of a document counts, a retry as well. A batch counts as many as it has.",
  }),
  rateLimitScope: setting<"agent" | "fleet">({
    variable: "RATE_LIMIT_SCOPE",
    parse: parse.choice("agent", "fleet"),
    default: "agent",
    decides: /^(agent|fleet)$/i,
    doc:
      "What `RATE_LIMIT` counts for: each `agent`, or the whole `fleet`. Then the running agents of the collection divide it, and find each other in the collection `<MONGODB_COLLECTION>_agents`.",
  }),
} as const;
