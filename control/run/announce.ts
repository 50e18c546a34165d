import { formatRate } from "../../agent/settings/rate.ts";
import { versionInfo } from "../../agent/version.ts";
import type { Parts } from "./parts.ts";

/** The first lines of the log: the version of this agent, its collection, and what is odd about its settings. */
export function announce({ log, settings, warnings }: Parts): void {
  log.info("Starting pulling-agent", {
    ...versionInfo(),
    agent: settings.agentName,
    source: `${settings.mongodbDatabase}.${settings.mongodbCollection}`,
    processor: settings.processor,
    concurrency: settings.concurrency,
    batchSize: settings.batchSize,
    ...(settings.rateLimit &&
      { rateLimit: formatRate(settings.rateLimit), rateLimitScope: settings.rateLimitScope }),
  });
  for (const warning of warnings) log.warn(warning);
}
