import type { SETTINGS } from "../agent/settings/settings.ts";

/**
 * The advice on each setting in docs/configuration.md: when to change it, what that costs, what breaks. It is not in
 * the table of settings, since the executable does not print it.
 */
export const SETTING_ADVICE: Record<keyof typeof SETTINGS, string> = {
  mongodbUri: "In Kubernetes it comes from the secret `mongodb-secret`.",
  mongodbUriFile:
    "Prefer it to `MONGODB_URI` if you rotate credentials, or if people who may see the pod must not see the password.",
  mongodbDatabase: "",
  mongodbCollection: "Create it before you start agents. Until it exists they are not ready.",
  filter:
    "Use it if several deployments share one collection. If most pending documents do not match, each claim reads many documents in vain.",
  processor: "See [Processors](processors.md).",
  processorBatch:
    "Set it if your service or program does many documents faster than one. See [Over HTTP](processors.md#over-http) and [As a program](processors.md#as-a-program).",
  httpHeadersFile:
    "Use it for tokens: their values are hidden in every output. The file is read again when it changes.",
  httpSigningSecretFile:
    "Use it if others can reach your service. While you replace the secret, the file may hold both, one a line.",
  httpCaFile: "The runtime's own authorities stay trusted. The file is read again when it changes.",
  execProcesses:
    "Raise it to use more cores, or if the program waits for other services. More than `CONCURRENCY` are never busy. Each process takes its own memory, beside the agent's.",
  execPassEnv:
    "Name `MONGODB_URI` only if the program itself connects to the database: [what a program may do](security.md#what-a-program-may-do).",
  pollIntervalMs:
    "Raise it if idle agents cost the database too much. New documents wait that long only if the server has no change streams, or with `CHANGE_STREAM=off`.",
  batchSize:
    "Raise it (up to 2000) if handlers take less than a millisecond, or use `auto` if you do not know how long they take, or if that changes. Lower it if handlers are slow and there are many replicas, or if memory is high: a killed pod leaves up to two batches waiting for `LEASE_DURATION`. [How to choose](performance.md#how-to-choose-batch_size-and-concurrency).",
  concurrency:
    "Raise it until the service that your handlers call is busy. It costs memory: each handler may hold a document and its result.",
  processTimeoutMs:
    "Raise it above the longest time that a healthy run takes. If it is too short, good documents become dead letters; if it is too long, a handler that hangs keeps its slot.",
  leaseMs:
    "The agent renews its leases, so handlers may take longer than this. Lower it to take over the documents of killed pods sooner. If it is too short, a pod that stands still for a moment loses its leases, and documents run twice.",
  rateLimit:
    "Set it if the service that your handlers call takes no more, or costs by the call. It bounds starts, not what runs at the same time: that is `CONCURRENCY`, which has to be high enough for the rate. Documents above it wait as `pending`, and hold no lease. [How it is kept](operations.md#limit-the-rate).",
  rateLimitScope:
    "`fleet` needs the right to read and write that collection; without it the agent claims nothing. With `agent`, more replicas mean a higher rate. [How a fleet divides it](operations.md#limit-the-rate).",
  maxAttempts:
    "Raise it if a service that your handlers call is often down for long. With 1, the first failure is final.",
  retryBackoffMs: "Raise it if retries overload the service that failed.",
  retryBackoffMaxMs:
    "With the default settings the four waits between five attempts add up to at most 15 seconds, so this limit matters only with more attempts or a longer `RETRY_BACKOFF`.",
  breakerThreshold:
    "Raise it if your service often refuses many documents in a row. Lower it if each attempt is dear. [What it does](operations.md#if-the-processor-is-down).",
  breakerCooldownMs:
    "Raise it if a service that has just come back must not be asked often. It is also how much later the agents may notice that it is back.",
  maxSnoozeMs:
    "Lower it if a mistake in a processor must not hide documents for days. Raise it if your documents wait longer for what they need.",
  onDeadLetter:
    "[What is sent, and how often](operations.md#have-dead-letters-reported). The address is a credential: it is hidden in every output, and programs of `PROCESSOR=exec:` do not get it.",
  onDeadLetterFile: "Prefer it to `ON_DEAD_LETTER` if people who may see the pod must not see the address.",
  deadLetterCollection:
    "Two collections must not share one: letters with the same `_id` would be in conflict. The names of the database and of the collection, with a dot between them, have at most 255 bytes, and at most 235 if the collection is sharded.",
  writesTo:
    "Name the collections that your processor needs if it is a service or a program of others, or `none` if it has nothing to write: [what a service may do](security.md#what-a-processor-may-do). Names with spaces cannot be given.",
  readBack: "`always` costs one more round trip per batch.",
  claimMode:
    "All agents of a collection need the same. [Claim modes](claim-modes.md) tells what differs, when `range` pays, and how " +
    "to change from one to the other.",
  changeStream: "Turn it off to save the server the cost of one change stream per agent.",
  ensureIndexes:
    "Turn it off if the agent has no right to create indexes. Without the indexes each claim reads the whole collection: [create them yourself](#the-indexes).",
  shutdownTimeoutMs:
    "Raise it, together with `terminationGracePeriodSeconds`, if handlers take longer. If it is too short, handlers are aborted on each rollout and their documents run again.",
  heartbeatIntervalMs:
    "Above 10 seconds the probes tolerate three heartbeats instead of 30 seconds, so a stuck agent is found later.",
  healthDir:
    "In Kubernetes mount an `emptyDir` there. If two agents use one directory, the second does not start.",
  controlFile: "Mount the directory, not the file: a file mounted by `subPath` never changes.",
  readyWhilePaused:
    "Turn it on if rollouts must go through while the agents are paused. Then an agent that is ready may be one that processes nothing.",
  agentName: "It appears in `_pull.owner` and decides nothing.",
  fleet:
    "Leave it on, unless the agent's user may not have rights on that collection. [What it does and costs](operations.md#the-fleet).",
  logLevel: "`DEBUG` writes a line for each claim and each failure: many lines under load.",
  logFormat: "Use `json` for a log collector, `text` to read it yourself.",
  otelEndpoint:
    "See [Traces and metrics by OTLP](tracing.md). It takes OTLP over HTTP, which is port 4318 of most collectors; 4317 is that of gRPC. Credentials in the address are sent as a header.",
  otelTracesEndpoint: "Set it alone to push traces and no metrics.",
  otelMetricsEndpoint: "Set it alone to push metrics and no traces.",
  otelHeaders:
    "Values are percent-decoded, and hidden in every output. Programs of `PROCESSOR=exec:` do not get this variable.",
  otelHeadersFile:
    "Prefer it for tokens. It may have one header a line. The agent reads it once, at its start.",
  otelProtocol:
    "`http/json` costs the agent half the CPU for a span and the network twice the bytes. Not all receivers know it.",
  otelTimeoutMs: "A request that takes longer counts as failed, and spans are sent again.",
  otelCertificate: "The runtime's own authorities stay trusted. The file is read again when it changes.",
  otelTracesExporter: "",
  otelMetricsExporter: "To be scraped instead, see [Metrics](metrics.md).",
  otelMetricIntervalMs: "",
  otelServiceName: "Give each deployment a name of its own if you have several.",
  otelResourceAttributes:
    "In Kubernetes add the names of the pod, the namespace and the cluster, as `k8s/monitoring/otlp.yaml` does.",
  otelTracesSampler: "See [which documents have a span](tracing.md#which-documents-have-a-span).",
  otelTracesSamplerArg: "",
  otelSpanDelayMs:
    "Together with `OTEL_BSP_MAX_QUEUE_SIZE` it limits the spans a second, and so what they cost: 512 in 5 seconds by default.",
  otelMaxSpans:
    "Raise it if you need the spans of more documents. 20,000 spans take about 50 MiB while the collector is away.",
  otelDisabled: "",
  traceField:
    "Only a text at the top of the document counts. What is no `traceparent` is ignored, and the field is never changed.",
  metricsPort:
    "Use it if Prometheus scrapes your pods. 9464 is the usual port. See [Metrics](metrics.md#on-a-port).",
  metricsHost:
    "There is no password: set it to `0.0.0.0` (`::` in a cluster of IPv6) only in a network that you trust, such as a cluster whose network policy lets only Prometheus in.",
  dashboardTokenFile:
    "Make it with `openssl rand -hex 32`. The file is read again when it changes, which ends all logins, as the end of the dashboard does. See [what guards the dashboard](security.md#the-dashboard).",
  metricsFile: "Use it if the pod must not listen on any port. See [Metrics](metrics.md#in-a-file).",
};
