import type { Details } from "../../agent/details.ts";
import { errorText } from "../../agent/errors.ts";
import type { AgentEvent, Events, Stage } from "../../agent/events.ts";
import { History } from "../../agent/fleet/history.ts";
import { Membership } from "../../agent/fleet/membership.ts";
import type { FleetMembership } from "../../agent/fleet/registry.ts";
import { every } from "../../agent/lib/every.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import type { MongoStore } from "../../agent/store/mongo_store.ts";
import type { WakeStream } from "../../agent/store/wake_stream.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";
import type { HealthReporter } from "../../health/health_reporter.ts";
import type { FleetPause } from "../fleet_pause.ts";
import { agentReport } from "./agent_report.ts";

/** While its stream is given up, the agent reads what is asked of the fleet this often, in milliseconds. */
const READ_MS = 500;
/** Stages in which the loop claims nothing for a while: then the stream costs little, and tells earlier. */
const CALM: ReadonlySet<Stage> = new Set<Stage>(["idle", "paused", "breaker_open"]);

/**
 * The agent as a member of its fleet: it shows what it does, and follows what is asked of all agents.
 *
 * It follows that by a stream of changes, but for the time in which the loop is busy: for each stream a server looks at
 * every write of every agent. Two small reads a second cost less then.
 */
export class FleetPart {
  readonly #membership: Membership;
  readonly #stream: WakeStream | undefined;
  #endReads: (() => void) | undefined;
  #isStopped = false;

  constructor({ details, events, health, log, orders, registry, store, usesStreams }: FleetPartOptions) {
    const history = new History({ ...SYSTEM, details, events, serverTime: () => store.serverTime });
    const report = () => agentReport(health.status, { controlId: orders.actedOn, history: history.ended });
    const isReady = () => health.isReady;
    const membership = new Membership({ ...SYSTEM, events, isReady, log, orders, registry, report });
    this.#membership = membership;
    store.source.onChange(() => membership.sourceChanged());
    if (!usesStreams) return;
    // Without a stream, the next beat reads the same.
    const note = (error: string) =>
      log.debug("Cannot follow what is asked of the fleet: it is read with each beat", { error });
    this.#stream = store.streams.control({
      onHint: () => membership.ordersChanged(),
      onListening: (isListening) => membership.areOrdersTold = isListening,
      onSuspended: (isSuspended) => this.#read(isSuspended),
      onUnsupported: note,
      onTrouble: (error) => note(errorText(error)),
    });
    events.subscribe((event) => this.#observe(event));
  }

  start(): void {
    this.#membership.start();
    // Not earlier: the stream then takes the connection that the first beat has opened.
    this.#membership.firstBeat.then(() => this.#isStopped || this.#stream?.start());
  }

  /** Leaves the fleet. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#read(false);
    await Promise.all([this.#stream?.stop(), this.#membership.stop()]);
  }

  #observe(event: AgentEvent): void {
    if (event.type === "claimed") this.#stream?.claimed(event.documents);
    if (event.type === "progress" && CALM.has(event.stage)) this.#stream?.loopIdle();
  }

  /** Reads what is asked of the fleet again and again, or no longer. */
  #read(isOften: boolean): void {
    this.#endReads?.();
    this.#endReads = isOften && !this.#isStopped
      ? every(SYSTEM.clock, READ_MS, () => this.#membership.ordersChanged())
      : undefined;
  }
}

/** What a {@linkcode FleetPart} needs. */
export interface FleetPartOptions {
  details: Details;
  events: Events;
  health: HealthReporter;
  log: Logger;
  orders: FleetPause;
  registry: FleetMembership;
  store: MongoStore;
  /** Unless `CHANGE_STREAM` is off. */
  usesStreams: boolean;
}
