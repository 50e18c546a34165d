import { type Environment, textOf } from "./environment.ts";
import type { Settings } from "./settings.ts";

/** Settings that also count for requests to the address of `ON_DEAD_LETTER`. */
const ALSO_OF_ALERTS = ["HTTP_SIGNING_SECRET_FILE", "HTTP_CA_FILE"];

/** Settings of processors outside of this process, and the kinds that they count for. */
const OF_KINDS: [variable: string, kinds: RegExp][] = [
  ["PROCESSOR_BATCH", /^(https?|exec):/i],
  ["HTTP_HEADERS_FILE", /^https?:/i],
  ["HTTP_SIGNING_SECRET_FILE", /^https?:/i],
  ["HTTP_CA_FILE", /^https:/i],
  ["EXEC_PROCESSES", /^exec:/],
  ["EXEC_PASS_ENV", /^exec:/],
];

/** What is odd about the settings, but not wrong: one sentence each. */
export function oddities(values: Partial<Settings>, env: Environment): string[] {
  const { batchSize, concurrency, onDeadLetter = "", processor = "" } = values;
  const isUsed = (variable: string, kinds: RegExp) =>
    kinds.test(processor) || (ALSO_OF_ALERTS.includes(variable) && kinds.test(onDeadLetter));
  const found = OF_KINDS.filter(([variable, kinds]) =>
    textOf(variable, env) !== undefined && !isUsed(variable, kinds)
  )
    .map(([variable]) => `${variable} is set, and does nothing for this kind of PROCESSOR: leave it out`);
  if (textOf("PROCESSOR", env) === undefined) found.push(PLACEHOLDER);
  if (textOf("METRICS_HOST", env) !== undefined && textOf("METRICS_PORT", env) === undefined) {
    found.push(
      "METRICS_HOST is set, and does nothing without METRICS_PORT: set METRICS_PORT, or leave it out",
    );
  }
  if (textOf("RATE_LIMIT_SCOPE", env) !== undefined && textOf("RATE_LIMIT", env) === undefined) {
    found.push(
      "RATE_LIMIT_SCOPE is set, and does nothing without RATE_LIMIT: set RATE_LIMIT, or leave it out",
    );
  }
  if (typeof batchSize === "number" && concurrency !== undefined && concurrency > 2 * batchSize) {
    found.push(
      `CONCURRENCY is ${concurrency}, but no more than twice BATCH_SIZE (${
        2 * batchSize
      }) documents are held at once: raise BATCH_SIZE to use all of it`,
    );
  }
  if (processor.startsWith("exec:")) found.push(...idleProcesses(values));
  const { otelEndpoint, otelMetricsEndpoint, otelTracesEndpoint } = values;
  if (
    [otelEndpoint, otelMetricsEndpoint, otelTracesEndpoint].some((endpoint) =>
      URL.parse(endpoint ?? "")?.port === "4317"
    )
  ) {
    found.push(
      "An endpoint of OTEL_EXPORTER_OTLP_ENDPOINT has port 4317, which most collectors have for gRPC: name the port " +
        "for OTLP over HTTP, most often 4318",
    );
  }
  const proxy = /^https:/i.test(processor) || /^https:/i.test(onDeadLetter)
    ? PROXIES.find((name) => textOf(name, env) !== undefined)
    : undefined;
  // The runtime sends the header Proxy-Authorization through the tunnel, too.
  if (proxy !== undefined && /^(http:\/\/)?[^/@]+@/i.test(textOf(proxy, env)!)) {
    found.push(
      `${proxy} has credentials, and the service gets them as well: use a proxy that needs none, unless you trust ` +
        "the service with them",
    );
  }
  return found;
}

/** Variables that may name the proxy for `https:` addresses, the first that is set counts. */
const PROXIES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/** Full batches that an agent holds at once. */
const MAX_HELD_BATCHES = 2;

/** Processes of a program that would have no work. */
function idleProcesses(
  { concurrency = Infinity, execProcesses = 1, processorBatch = false }: Partial<Settings>,
): string[] {
  const found: string[] = [];
  if (execProcesses > concurrency) {
    found.push(
      `EXEC_PROCESSES is ${execProcesses}, but CONCURRENCY lets only ${concurrency} work at the same time: ` +
        "lower EXEC_PROCESSES, or raise CONCURRENCY",
    );
  } else if (processorBatch && execProcesses > MAX_HELD_BATCHES) {
    found.push(
      `EXEC_PROCESSES is ${execProcesses}, but with PROCESSOR_BATCH only ${MAX_HELD_BATCHES} full batches are held ` +
        "at once, so the other processes have little work: lower EXEC_PROCESSES",
    );
  }
  return found;
}

const PLACEHOLDER =
  "PROCESSOR is not set: documents are only marked as processed, and nothing else is done with " +
  "them. Set PROCESSOR=module:PATH to process them, or PROCESSOR=log if that is what you want";
