import { errorText } from "../errors.ts";
import type { AfterRefusal, AgentEvent, AgentState, Events } from "../events.ts";
import type { Clock } from "../lib/clock.ts";
import type { LeftAlone } from "../ports.ts";
import { FailureLog } from "./failure_log.ts";
import { HandlerLog } from "./handler_log.ts";
import type { Logger } from "./logger.ts";
import { logReleased } from "./log_released.ts";
import { ProgressLog } from "./progress_log.ts";
import { RefusedReleaseLog } from "./refused_release_log.ts";

/** What the agent does after the database refused an outcome. */
const AFTER_REFUSAL: Record<AfterRefusal, string> = {
  nack: "the attempt has failed, and is tried again",
  nack_without_error: "it is set back without the error",
  dead_letter: "it becomes a dead letter",
  nothing:
    "it stays as it is until its lease runs out; change the validator, index or right that does not allow it",
};

const PAUSE_STATES: ReadonlySet<AgentState> = new Set(["running", "paused"]);

/** Documents that cannot be claimed are gathered for this long and logged in one line, in milliseconds. */
const REFUSALS_MS = 60_000;
/** Ids that one line names, at most. */
const MAX_IDS = 10;

/** What {@linkcode logEvents} needs besides the log. */
export interface LogEventsOptions {
  clock: Clock;
  /** Writes an `_id` for people. */
  formatId(id: unknown): string;
}

/** Writes a log line for each event that people want to read about. */
export function logEvents(events: Events, log: Logger, { clock, formatId }: LogEventsOptions): void {
  const failures = new FailureLog(log, clock);
  const progress = new ProgressLog(log, clock, "Processed documents");
  const snoozed = new ProgressLog(log, clock, "Put documents off, as their processor asked");
  const takeovers = new ProgressLog(log, clock, "Took over documents whose lease had expired");
  const refusals = new RefusalLog(log, clock);
  const refusedReleases = new RefusedReleaseLog(log, clock);
  const leftAlone = new LeftAloneLog(log, formatId);
  let isHeldUpTold = false;
  /** The documents; or, if more are named, the documents that they are among. */
  const named = ({ documents, ids }: { documents: number; ids: readonly unknown[] }) => ({
    [ids.length > documents ? "among" : "ids"]: ids.slice(0, MAX_IDS).map(formatId),
  });
  const handlers = new HandlerLog(log, formatId);
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
        });
        break;
      case "claimed": {
        failures.over("claim");
        const { type: _, elapsedMs, ...counts } = event;
        const fields = { ...counts, elapsedMs: Math.round(elapsedMs) };
        takeovers.add(event.takeovers);
        if (event.documents > 0) log.debug("Claimed documents", fields);
        break;
      }
      case "claim_failed":
        failures.report("claim", "Cannot claim documents", event.error, { retryInMs: event.retryInMs }, {
          level: event.isLasting ? "error" : "warn",
        });
        break;
      case "claims_held_up":
        log[isHeldUpTold ? "debug" : "info"](
          "Documents wait until another one of the same key is settled, as a unique index asks for",
          { reason: errorText(event.reason) },
        );
        isHeldUpTold = true;
        break;
      case "left_alone":
        leftAlone.report(event.groups);
        break;
      case "claim_refused":
        refusals.add(formatId(event.id), event.error);
        break;
      case "reachable_changed":
        if (event.isReachable) log.info("MongoDB is in reach");
        else {
          const { error } = event;
          log.warn("MongoDB is out of reach", error === undefined ? {} : { error: errorText(error) });
        }
        break;
      case "processed":
        failures.over("ack");
        log.debug("Wrote acks", { documents: event.documents });
        progress.add(event.documents);
        break;
      case "released":
        failures.over("release");
        logReleased(log, event);
        break;
      case "snoozed":
        failures.over("snooze");
        snoozed.add(event.documents);
        break;
      case "handler_failed":
        // The failure is logged once its outcome is written: this line names the place.
        if (log.writes("DEBUG")) {
          const { id, attempt } = event;
          log.debug("The processor failed", { id: formatId(id), attempt, ...log.errorFields(event.error) });
        }
        break;
      case "retried": {
        const { id, type: _, ...fields } = event;
        log.warn("Processing failed and will be retried", { id: formatId(id), ...fields });
        break;
      }
      case "retried_among":
        log.warn("Processing failed and will be retried; others have changed the documents since", {
          documents: event.documents,
          ...named(event),
        });
        break;
      case "dead_lettered": {
        const { id, type: _, ...fields } = event;
        log.error("Document is a dead letter", { id: formatId(id), ...fields });
        break;
      }
      case "lease_lost":
        log.warn("Lost the lease on documents: what they became is up to their new holder", {
          documents: event.documents,
          during: event.during,
          ...named(event),
        });
        break;
      case "unconfirmed":
        log.warn("Cannot confirm a write whose answer was lost; most likely it was applied", {
          documents: event.documents,
          during: event.during,
          ...named(event),
        });
        break;
      case "settle_failed":
        failures.report(event.kind, `Cannot write the outcome (${event.kind}), trying again`, event.error, {
          documents: event.documents,
          retryInMs: event.retryInMs,
        }, { level: event.isLasting ? "error" : "warn" });
        break;
      case "settle_rejected":
        if (event.kind === "release" || event.kind === "snooze") {
          refusedReleases.add(formatId(event.id), event.error);
          break;
        }
        log.error(`MongoDB refuses the outcome (${event.kind}) of a document: ${AFTER_REFUSAL[event.next]}`, {
          id: formatId(event.id),
          error: errorText(event.error),
          ...(event.failure && { failure: event.failure }),
        });
        break;
      case "checkpoint_refused":
        log.warn("MongoDB refuses the checkpoint of a run, which goes on without", {
          id: formatId(event.id),
          error: errorText(event.error),
        });
        break;
      case "renew_failed":
        failures.report("renew", "Cannot renew leases", event.error, { documents: event.documents });
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
      case "drain_started":
        log.info("Draining: claiming nothing any more, finishing what is in flight", {
          reason: event.reason,
          inFlight: event.inFlight,
        });
        break;
      case "force_started":
        log.warn("Forced to stop: releasing what is in flight", {
          reason: event.reason,
          inFlight: event.inFlight,
        });
        break;
      case "drain_finished": {
        takeovers.flush();
        progress.flush();
        snoozed.flush();
        refusals.flush();
        refusedReleases.flush();
        const { type: _, elapsedMs, ...fields } = event;
        const write = event.abandoned > 0 ? "warn" : "info";
        log[write]("Drained", { ...fields, elapsedMs: Math.round(elapsedMs) });
        break;
      }
      case "settled_at_last":
      case "progress":
        break;
      default:
        event satisfies never;
    }
  });
}

/** Logs at once that a document cannot be claimed, and then once a minute how many more there were. */
class RefusalLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #ids: string[] = [];
  #documents = 0;
  #error = "";
  #cancel: (() => void) | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  add(id: string, error: unknown): void {
    if (this.#cancel === undefined) {
      this.#log.error("A document cannot be claimed and is left alone", { id, error: errorText(error) });
      this.#cancel = this.#clock.after(REFUSALS_MS, () => this.flush());
      return;
    }
    this.#documents += 1;
    this.#error = errorText(error);
    if (this.#ids.length < MAX_IDS) this.#ids.push(id);
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#documents > 0) {
      const fields = { documents: this.#documents, ids: this.#ids, error: this.#error };
      this.#log.error("More documents cannot be claimed and are left alone", fields);
    }
    this.#documents = 0;
    this.#ids = [];
  }
}

/** Logs how many documents wait and cannot be claimed, each time the number changes. */
class LeftAloneLog {
  readonly #log: Logger;
  readonly #formatId: (id: unknown) => string;
  #told = new Map<string, number>();

  constructor(log: Logger, formatId: (id: unknown) => string) {
    this.#log = log;
    this.#formatId = formatId;
  }

  report(groups: readonly LeftAlone[]): void {
    const told = new Map<string, number>();
    for (const { documents, example, isMore, reason } of groups) {
      const text = errorText(reason);
      told.set(text, documents);
      if (this.#told.get(text) === documents) continue;
      this.#log.warn("Documents wait that cannot be claimed", {
        documents: isMore ? `${documents} or more` : documents,
        example: this.#formatId(example),
        reason: text,
      });
    }
    this.#told = told;
  }
}
