import * as parse from "./parse.ts";
import type { Setting } from "./setting.ts";

const DAY_MS = 86_400_000;
const seconds = (min: number, max = DAY_MS / 1000) => parse.duration(min * 1000, max * 1000);
const setting = <T>(spec: Setting<T>) => spec;

/** How the values of such settings look: see {@linkcode Setting.decides}. */
const LOOKS = {
  query: /^\{/,
  processor: /^(log|custom)$|^(module|exec|https?):|\.m?[jt]s$/i,
  duration: /^[\d.]+\s*(ms|s|m|h|d)?$/,
  count: /^\d+$/,
  name: /^[^\s$/]+$/,
  names: /^[\w.-]+(\s*,\s*[\w.-]+)*$/,
  path: /\//,
} as const;

/** Every setting, in the order in which people meet them. */
export const SETTINGS = {
  mongodbUri: setting<string>({
    variable: "MONGODB_URI",
    parse: parse.text("a connection string that begins with mongodb:// or mongodb+srv://"),
    required: true,
    hint: "set it (or MONGODB_URI_FILE) to a connection string, as mongodb://localhost:27017",
    file: { variable: "MONGODB_URI_FILE", holds: "the connection string" },
    secret: true,
    doc: "MongoDB connection string.",
  }),
  mongodbUriFile: setting<string | undefined>({
    variable: "MONGODB_URI_FILE",
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc:
      "A file that holds the connection string, instead of `MONGODB_URI`. The agent reads it again while it runs: new credentials need no restart.",
  }),
  mongodbDatabase: setting<string>({
    variable: "MONGODB_DATABASE",
    parse: parse.databaseName,
    required: true,
    hint: "set it to the database to pull from",
    doc: "Database to pull from.",
  }),
  mongodbCollection: setting<string>({
    variable: "MONGODB_COLLECTION",
    parse: parse.collectionName,
    required: true,
    hint: "set it to the collection to pull from",
    doc: "Collection to pull from. The agent does not create it.",
  }),
  filter: setting<string | undefined>({
    variable: "FILTER",
    parse: parse.query,
    fallback: () => undefined,
    defaultText: "none",
    decides: LOOKS.query,
    doc: "Only documents that match this query are pulled. Extended JSON.",
  }),
  processor: setting<string>({
    variable: "PROCESSOR",
    parse: parse.text("log, custom, module:PATH, exec:COMMAND or an http(s) address"),
    default: "log",
    decides: LOOKS.processor,
    doc:
      "What is done with a document: `log` (nothing: it is only marked), `module:PATH` (your JavaScript), `exec:COMMAND` (your program in any language), `https://HOST/PATH` (it is posted to your service) or `custom` (compiled in).",
  }),
  processorBatch: setting<boolean>({
    variable: "PROCESSOR_BATCH",
    parse: parse.boolean,
    default: "false",
    doc:
      "Whether a service or a program is sent many documents at once, as an array. A module decides that itself.",
  }),
  httpHeadersFile: setting<string | undefined>({
    variable: "HTTP_HEADERS_FILE",
    namesSecrets: true,
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc:
      "A file with headers for every request to the service, such as `Authorization: Bearer TOKEN`, one a line.",
  }),
  httpSigningSecretFile: setting<string | undefined>({
    variable: "HTTP_SIGNING_SECRET_FILE",
    namesSecrets: true,
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc: "A file with the secret by which requests to the service are signed, as Standard Webhooks does.",
  }),
  httpCaFile: setting<string | undefined>({
    variable: "HTTP_CA_FILE",
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    doc:
      "A file with the certificates (PEM) of your own authority, which the service's certificate is checked against.",
  }),
  execProcesses: setting<number>({
    variable: "EXEC_PROCESSES",
    parse: parse.integer(1, 1000),
    default: "1",
    doc: "Processes of the program of `PROCESSOR=exec:` that run at the same time.",
  }),
  execPassEnv: setting<readonly string[]>({
    variable: "EXEC_PASS_ENV",
    parse: parse.names,
    fallback: () => [],
    defaultText: "none",
    doc: "Variables that hold or name credentials of the agent, and that the program is to see all the same.",
  }),
  pollIntervalMs: setting<number>({
    variable: "POLL_INTERVAL",
    parse: seconds(0.01),
    default: "5",
    doc: "Wait before the next claim while nothing is left to claim.",
  }),
  batchSize: setting<number>({
    variable: "BATCH_SIZE",
    parse: parse.integer(1, 10_000),
    default: "100",
    doc: "Most documents that one claim takes. The agent holds up to twice as many.",
  }),
  concurrency: setting<number>({
    variable: "CONCURRENCY",
    parse: parse.integer(1, 10_000),
    default: "16",
    doc: "Documents processed at the same time. All handlers together have a heap of 256 MiB.",
  }),
  processTimeoutMs: setting<number>({
    variable: "PROCESS_TIMEOUT",
    parse: seconds(0.01),
    default: "60",
    decides: LOOKS.duration,
    doc: "Longest time that a handler may take. After that its signal is aborted and the attempt has failed.",
  }),
  leaseMs: setting<number>({
    variable: "LEASE_DURATION",
    parse: seconds(1),
    default: "60",
    decides: LOOKS.duration,
    doc:
      "How long a lease lasts unless it is renewed. After that, other agents take over the documents of a killed pod.",
  }),
  maxAttempts: setting<number>({
    variable: "MAX_ATTEMPTS",
    parse: parse.integer(1, 1000),
    default: "5",
    decides: LOOKS.count,
    doc: "Attempts before a document that keeps failing becomes a dead letter.",
  }),
  retryBackoffMs: setting<number>({
    variable: "RETRY_BACKOFF",
    parse: seconds(0),
    default: "1",
    decides: LOOKS.duration,
    doc:
      "Upper bound of the wait before the first retry. The bound doubles with each retry. The wait is a random time below it.",
  }),
  retryBackoffMaxMs: setting<number>({
    variable: "RETRY_BACKOFF_MAX",
    parse: seconds(0, 30 * DAY_MS / 1000),
    default: "300",
    decides: LOOKS.duration,
    doc: "Upper bound of the wait before any retry.",
  }),
  maxSnoozeMs: setting<number>({
    variable: "MAX_SNOOZE",
    parse: seconds(1, 365 * DAY_MS / 1000),
    default: "7d",
    decides: LOOKS.duration,
    doc: "Longest time for which a processor may put a document off with `snoozeMs`. Longer ones are cut.",
  }),
  deadLetterCollection: setting<string>({
    variable: "DEAD_LETTER_COLLECTION",
    parse: parse.collectionName,
    fallback: ({ mongodbCollection }) => `${mongodbCollection}_dead_letters`,
    defaultText: "`<collection>_dead_letters`",
    decides: LOOKS.name,
    doc:
      "Collection of the same database for the copies of dead letters. Every collection needs one of its own.",
  }),
  writesTo: setting<readonly string[] | undefined>({
    variable: "WRITES_TO",
    parse: parse.collectionNames,
    fallback: () => undefined,
    defaultText: "any collection of the database but the dead letters",
    decides: LOOKS.names,
    doc:
      "Collections that the `writes` of a processor may go to, with commas between them; `none` allows no writes.",
  }),
  readBack: setting<"contended" | "always">({
    variable: "READ_BACK",
    parse: parse.choice("contended", "always"),
    default: "contended",
    decides: /^(contended|always)$/i,
    doc:
      "`always` reads every document again after its claim. Use it if you edit documents while they are pending.",
  }),
  changeStream: setting<"auto" | "off">({
    variable: "CHANGE_STREAM",
    parse: parse.choice("auto", "off"),
    default: "auto",
    doc:
      "`auto` listens for changes if the server has change streams, so that new documents need not wait for `POLL_INTERVAL`.",
  }),
  ensureIndexes: setting<boolean>({
    variable: "ENSURE_INDEXES",
    parse: parse.boolean,
    default: "true",
    doc: "If they are missing, create the two indexes that the agent's queries need, in the background.",
  }),
  shutdownTimeoutMs: setting<number>({
    variable: "SHUTDOWN_TIMEOUT",
    parse: seconds(0),
    default: "30",
    doc:
      "How long the handlers that run may take after SIGTERM. Keep it 5 seconds below the pod's grace period.",
  }),
  heartbeatIntervalMs: setting<number>({
    variable: "HEARTBEAT_INTERVAL",
    parse: seconds(0.1, 300),
    default: "5",
    doc: "How often the liveness file is rewritten.",
  }),
  healthDir: setting<string>({
    variable: "HEALTH_DIR",
    parse: parse.text("the path of a directory"),
    default: "/tmp/health",
    doc: "Directory of the health files. Every agent needs one of its own.",
  }),
  controlFile: setting<string>({
    variable: "CONTROL_FILE",
    parse: parse.text("the path of a file"),
    default: "/tmp/control/state",
    decides: LOOKS.path,
    doc: "File that holds `pause` or `resume`; its directory is watched.",
  }),
  readyWhilePaused: setting<boolean>({
    variable: "READY_WHILE_PAUSED",
    parse: parse.boolean,
    default: "false",
    doc: "Whether a paused agent counts as ready.",
  }),
  agentName: setting<string>({
    variable: "AGENT_NAME",
    parse: parse.agentName,
    fallback: (_, { hostName }) => hostName,
    defaultText: "the host name",
    doc:
      "Name of the agent, written on documents as the owner of their leases. In Kubernetes it is the pod's name.",
  }),
  logLevel: setting<"DEBUG" | "INFO" | "WARNING" | "ERROR">({
    variable: "LOG_LEVEL",
    parse: parse.choice("DEBUG", "INFO", "WARNING", "ERROR"),
    default: "INFO",
    doc: "Least severe lines that are written: `DEBUG`, `INFO`, `WARNING` or `ERROR`.",
  }),
  logFormat: setting<"json" | "text">({
    variable: "LOG_FORMAT",
    parse: parse.choice("json", "text"),
    fallback: (_, { isTerminal }) => isTerminal ? "text" : "json",
    defaultText: "`json`; `text` on a terminal",
    doc: "One line of JSON or of text per event.",
  }),
} as const;

type Table = typeof SETTINGS;

/** The values of all settings, checked and converted. */
export type Settings = { -readonly [K in keyof Table]: Table[K] extends Setting<infer T> ? T : never };
