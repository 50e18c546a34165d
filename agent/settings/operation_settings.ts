import { LOOKS, seconds, setting } from "./declare.ts";
import * as parse from "./parse.ts";

/** How the process ends, and how operators see and steer it. */
export const OPERATION_SETTINGS = {
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
