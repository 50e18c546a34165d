import { type AgentEvent, Events } from "../../agent/events.ts";
import { GroupedLog } from "../../agent/telemetry/grouped_log.ts";
import { logEvents } from "../../agent/telemetry/log_events.ts";
import { type Level, Logger } from "../../agent/telemetry/logger.ts";
import { ManualClock } from "./manual_clock.ts";
import { RecordedLines } from "./recorded_lines.ts";

/** A line of JSON in the log. */
export interface Line {
  level: string;
  message: string;
  [field: string]: unknown;
}

/** The log of events that a test emits, with a clock of its own. */
export class EventLog {
  readonly clock = new ManualClock();
  readonly events = new Events();
  readonly grouped: GroupedLog;
  readonly #output = new RecordedLines();

  constructor(level: Level) {
    const log = new Logger({ level, format: "json", output: this.#output });
    this.grouped = new GroupedLog(log, this.clock);
    logEvents(this.events, { log, grouped: this.grouped, formatId: (id) => `<${id}>` });
  }

  /** The lines so far. */
  get lines(): Line[] {
    return this.#output.lines.map((line) => JSON.parse(line));
  }

  emit(...events: readonly AgentEvent[]): void {
    for (const event of events) this.events.emit(event);
  }
}

/** The lines of these events at DEBUG. */
export function linesOf(...events: readonly AgentEvent[]): Line[] {
  const log = new EventLog("DEBUG");
  log.emit(...events);
  return log.lines;
}
