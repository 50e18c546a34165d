import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { Settings } from "../../agent/settings/settings.ts";
import { versionInfo } from "../../agent/version.ts";

/** What describes this process in all that is pushed. Attributes that the operator sets win over the agent's own. */
export function resourceOf({ agentName, otelResourceAttributes, otelServiceName }: Settings): Resource {
  const given = Object.fromEntries(otelResourceAttributes);
  return resourceFromAttributes({
    "service.name": otelServiceName,
    "service.version": versionInfo().version,
    "service.instance.id": agentName,
    ...given,
    // The standard: OTEL_SERVICE_NAME wins over the attribute, unless it is not set.
    ...(otelServiceName !== DEFAULT_NAME && { "service.name": otelServiceName }),
  });
}

const DEFAULT_NAME = "pulling-agent";
