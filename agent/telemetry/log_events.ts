import { errorText } from "../errors.ts";
import type { AgentEvent, AgentState, Events } from "../events.ts";
import { BreakerLog } from "./breaker_log.ts";
import { ClaimLog } from "./claim_log.ts";
import type { GroupedLog } from "./grouped_log.ts";
import { HandlerLog } from "./handler_log.ts";
import { eventLine } from "./line_kind.ts";
import type { Logger } from "./logger.ts";
import { SettleLog } from "./settle_log.ts";

const PAUSE_STATES: ReadonlySet<AgentState> = new Set(["running", "paused"]);

const IN_REACH = eventLine("INFO", "MongoDB is in reach");
const OUT_OF_REACH = eventLine("WARNING", "MongoDB is out of reach");

/** What {@linkcode logEvents} needs. */
export interface LogEventsOptions {
  log: Logger;
  /** The same log, for events that may come by the thousand. */
  grouped: GroupedLog;
  /** Writes an `_id` for people. */
  formatId(id: unknown): string;
}

/** Logs each event that people want to read about. */
export function logEvents(events: Events, { log, grouped, formatId }: LogEventsOptions): void {
  const claims = new ClaimLog(log, grouped, formatId);
  const outcomes = new SettleLog(log, grouped, formatId);
  const breaker = new BreakerLog(log);
  const handlers = new HandlerLog(log, grouped, formatId);
  events.subscribe((event: AgentEvent) => {
    switch (event.type) {
      case "state_changed":
        // A pause or resume has a line already, which says who asked for it.
        if (!PAUSE_STATES.has(event.from) || !PAUSE_STATES.has(event.to)) {
          log.info(`Agent is ${event.to}`, { from: event.from });
        }
        break;
      case "pause_changed":
        log.info(event.state === "paused" ? "Paused: claiming nothing until resumed" : "Resumed", {
          source: event.source,
          ...(event.by !== undefined && { by: event.by }),
          ...(event.reason !== undefined && { reason: event.reason }),
        });
        break;
      case "reachable_changed": {
        const { error, isReachable } = event;
        const fields = () => error === undefined ? {} : { error: errorText(error) };
        grouped.report(isReachable ? IN_REACH : OUT_OF_REACH, { fields });
        break;
      }
      case "server_known": {
        const { instead, lacks, name: server } = event.server;
        // What was in use has been logged for itself.
        if (event.by === "use") break;
        if (lacks.length === 0) log.info("The server is known, and lacks nothing", { server });
        else {
          log.info("The server lacks some of what MongoDB has, and the agent does without it", {
            server,
            lacks: lacks.join("; "),
            instead: instead.join("; "),
          });
        }
        break;
      }
      case "claimed":
        claims.claimed(event);
        break;
      case "registry_answers":
        claims.failuresAreOver();
        break;
      case "claim_failed":
        claims.failed(event);
        break;
      case "claim_refused":
        claims.refused(event);
        break;
      case "claims_held_up":
        claims.heldUp(event);
        break;
      case "left_alone":
        claims.leftAlone(event);
        break;
      case "processed":
        outcomes.processed(event);
        break;
      case "released":
        outcomes.released(event);
        break;
      case "snoozed":
        outcomes.snoozed(event);
        break;
      case "retried":
        outcomes.retried(event);
        break;
      case "retried_among":
        outcomes.retriedAmong(event);
        break;
      case "dead_lettered":
        outcomes.deadLettered(event);
        break;
      case "lease_lost":
        outcomes.leaseLost(event);
        break;
      case "canceled":
        outcomes.canceled(event);
        break;
      case "unconfirmed":
        outcomes.unconfirmed(event);
        break;
      case "settle_failed":
        outcomes.failed(event);
        break;
      case "settle_rejected":
        outcomes.rejected(event);
        break;
      case "checkpoint_refused":
        outcomes.checkpointRefused(event);
        break;
      case "renew_failed":
        outcomes.renewFailed(event);
        break;
      case "handler_failed":
        handlers.failed(event);
        break;
      case "runs_alone":
        handlers.runsAlone(event);
        break;
      case "handler_timed_out":
        handlers.timedOut(event);
        break;
      case "handler_returned_late":
        handlers.returnedLate(event);
        break;
      case "result_ignored":
        handlers.ignored(event);
        break;
      case "unhandled_error":
        handlers.stray(event);
        break;
      case "breaker_opened":
        breaker.opened(event);
        break;
      case "breaker_half_opened":
        breaker.halfOpened();
        break;
      case "breaker_closed":
        breaker.closed(event);
        break;
      case "drain_started":
        log.info("Draining: claiming nothing any more, finishing what is in flight", {
          reason: event.reason,
          inFlight: event.inFlight,
        });
        break;
      case "force_started":
        // The process may be killed before all is released.
        grouped.flush();
        log.warn("Forced to stop: releasing what is in flight", {
          reason: event.reason,
          inFlight: event.inFlight,
        });
        break;
      case "drain_finished": {
        grouped.flush();
        const { type: _, elapsedMs, ...fields } = event;
        const write = event.abandoned > 0 ? "warn" : "info";
        log[write]("Drained", { ...fields, elapsedMs: Math.round(elapsedMs) });
        break;
      }
      case "backlog_seen":
      case "settled_at_last":
      case "progress":
        break;
      default:
        event satisfies never;
    }
  });
}
