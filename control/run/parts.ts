import { Agent } from "../../agent/agent.ts";
import { Details } from "../../agent/details.ts";
import { Events } from "../../agent/events.ts";
import { BacklogWatch } from "../../agent/fleet/backlog_watch.ts";
import { FleetShare } from "../../agent/fleet/fleet_share.ts";
import { timeOfDayMs } from "../../agent/lib/builtins.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { NO_SHARE, RateLimiter, WHOLE } from "../../agent/pacing/rate_limiter.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { isLasting } from "../../agent/store/mongo_errors.ts";
import { MongoStore } from "../../agent/store/mongo_store.ts";
import type { UriFile } from "../../agent/store/connection/uri_source.ts";
import { DocumentLogs } from "../../agent/telemetry/document_log.ts";
import type { GroupedLog } from "../../agent/telemetry/grouped_log.ts";
import { logEvents } from "../../agent/telemetry/log_events.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";
import { versionInfo } from "../../agent/version.ts";
import type { HealthDir } from "../../health/health_dir.ts";
import { HealthReporter } from "../../health/health_reporter.ts";
import { DeadLetterAlerts } from "../alerts/dead_letter_alerts.ts";
import type { Checked } from "../commands/checked_settings.ts";
import { ChangedBuiltins } from "../changed_builtins.ts";
import { ControlFile } from "../control_file.ts";
import { JobEnd } from "../job_end.ts";
import { LastingFailure } from "../lasting_failure.ts";
import { ModeEnd } from "../mode_end.ts";
import { FleetPause } from "../fleet_pause.ts";
import { PauseController } from "../pause_controller.ts";
import { SourceEnd } from "../source_end.ts";
import { uriFileOf } from "../uri_file_of.ts";
import { FleetPart } from "./fleet_part.ts";
import { NothingFound } from "./nothing_found.ts";
import { showsMetrics } from "./shows_metrics.ts";
import { WakeHints } from "./wake_hints.ts";

/** The parts of a run, each handed what it needs. */
export interface Parts {
  settings: Settings;
  /** What is odd about the settings, a sentence each. */
  warnings: readonly string[];
  log: Logger;
  events: Events;
  details: Details;
  store: MongoStore;
  gate: PauseController;
  agent: Agent;
  /** If `RATE_LIMIT` is set. */
  limiter: RateLimiter | undefined;
  /** If the limit is the fleet's. */
  fleetShare: FleetShare | undefined;
  /** Unless `FLEET` is off. */
  fleet: FleetPart | undefined;
  /** Looks at what waits, or reads it; if metrics show it, or for the fleet. */
  backlog: BacklogWatch | undefined;
  health: HealthReporter;
  controlFile: ControlFile;
  /** The source of the connection string, if the string may change. */
  uriFile: UriFile | undefined;
  /** Unless `CHANGE_STREAM` is off. */
  wakeHints: WakeHints | undefined;
  nothingFound: NothingFound;
  sourceEnd: SourceEnd;
  modeEnd: ModeEnd;
  changedBuiltins: ChangedBuiltins;
  jobEnd: JobEnd;
  /** If `ON_DEAD_LETTER` is set. */
  alerts: DeadLetterAlerts | undefined;
}

/** What the parts are made of. */
export interface Material {
  checked: Checked;
  directory: HealthDir;
  log: Logger;
  /** The same log, for what may come by the thousand. */
  grouped: GroupedLog;
  untilEmpty: boolean;
}

/** Puts the parts of a run together. It starts nothing, and connects to nothing. */
export function partsOf({ checked, directory, log, grouped, untilEmpty }: Material): Parts {
  const { settings, filter, processing, webhook } = checked;
  const { clock } = SYSTEM;
  const events = new Events();
  const details = new Details();
  logEvents(events, { log, grouped, formatId });
  const gate = new PauseController(events);
  const instance = crypto.randomUUID();
  const store = new MongoStore(settings, filter, { ...SYSTEM, details, instance });
  const registry = store.fleetRegistry(entryOf(settings, instance));
  const orders = settings.fleet === "on" ? new FleetPause({ gate, log, registry }) : undefined;
  const limiter = limiterOf(settings);
  const agent = new Agent({
    ...SYSTEM,
    details,
    events,
    gate,
    limiter,
    orders,
    store,
    processing,
    settings,
    untilEmpty,
    logs: new DocumentLogs(log, formatId),
  });
  const { agentName: name, heartbeatIntervalMs, readyWhilePaused } = settings;
  const health = new HealthReporter({
    agent,
    clock,
    directory,
    events,
    formatId,
    gate,
    heartbeatIntervalMs,
    limiter,
    log,
    name,
    readyWhilePaused,
    source: store.source,
    version: versionInfo().version,
  });
  const alerts = webhook && new DeadLetterAlerts({
    clock,
    events,
    formatId,
    log,
    grouped,
    source: { agent: name, ...sourceOf(settings) },
    webhook,
  });
  if (untilEmpty) new LastingFailure({ clock, events, agent, isLasting });
  return {
    settings,
    warnings: [...checked.warnings, ...store.warnings],
    log,
    events,
    details,
    store,
    gate,
    agent,
    limiter,
    fleetShare: limiter && settings.rateLimitScope === "fleet"
      ? new FleetShare({ ...SYSTEM, events, limiter, log, registry })
      : undefined,
    backlog: orders || showsMetrics(settings)
      ? new BacklogWatch({
        ...SYSTEM,
        events,
        fleet: orders && registry,
        isShown: showsMetrics(settings),
        log,
        store,
      })
      : undefined,
    fleet: orders && new FleetPart({
      details,
      events,
      health,
      log,
      orders,
      registry,
      store,
      usesStreams: settings.changeStream === "auto",
    }),
    health,
    controlFile: new ControlFile({ clock, path: settings.controlFile, gate, log }),
    uriFile: uriFileOf(settings),
    wakeHints: settings.changeStream === "auto"
      ? new WakeHints({ agent, events, log, source: sourceOf(settings), store })
      : undefined,
    nothingFound: new NothingFound({ events, log, store, hasFilter: filter !== undefined }),
    sourceEnd: new SourceEnd(events, agent, { untilEmpty }),
    modeEnd: new ModeEnd({ agent, clock, events }),
    changedBuiltins: new ChangedBuiltins({ agent, events, log }),
    jobEnd: new JobEnd(events, { untilEmpty }),
    alerts,
  };
}

function limiterOf({ rateLimit: limit, rateLimitScope: scope }: Settings): RateLimiter | undefined {
  return limit && new RateLimiter({ ...SYSTEM, limit, share: scope === "fleet" ? NO_SHARE : WHOLE });
}

function entryOf({ agentName: name, claimMode: mode, ensureIndexes }: Settings, instance: string) {
  const { commit, version } = versionInfo();
  return { name, commit, ensureIndexes, instance, mode, startedAtMs: timeOfDayMs(), version };
}

function sourceOf({ mongodbCollection: collection, mongodbDatabase: database }: Settings) {
  return { database, collection };
}
