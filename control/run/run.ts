import type { DrainReport } from "../../agent/drain.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { doneBy, sleep } from "../../agent/lib/deadline.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { prepareStore } from "../../agent/store/prepare_store.ts";
import type { Signals } from "../signals.ts";
import type { Telemetry } from "../metrics/telemetry.ts";
import { announce } from "./announce.ts";
import type { Parts } from "./parts.ts";
import { SignalPolicy } from "./signal_policy.ts";

/** Parts that are still open when the agent has stopped may take this long to close, in milliseconds. */
const CLOSING = { clock: systemClock, limitMs: 1000 };

/** Dead letters that are not reported yet may take this long to be sent, in milliseconds. */
const ALERTS_MS = 2000;
/** Telemetry may take this long to be pushed at the end, in milliseconds: the collector may be away. */
const PUSH_LIMIT_MS = 2000;

/** The life of a run, once its parts exist: from the first reading of the control file to the exit status. */
export class Run {
  readonly #parts: Parts;
  readonly #telemetry: Telemetry | undefined;

  constructor(parts: Parts, telemetry: Telemetry | undefined) {
    this.#parts = parts;
    this.#telemetry = telemetry;
  }

  /** Runs the agent until it has drained; returns the exit status. */
  async live(signals: Signals): Promise<number> {
    announce(this.#parts);
    this.#telemetry?.start();
    // The file decides how the agent starts; signals that came meanwhile are later changes.
    await this.#parts.controlFile.start();
    // One turn of the event loop: otherwise signals that arrived while the modules were loading would be handled after
    // the first claim.
    await sleep(systemClock, 0);
    signals.handle(new SignalPolicy(this.#parts));
    this.#parts.health.start();
    const stopPreparing = this.#connect();
    this.#parts.fleetShare?.start();
    const report = await this.#parts.agent.run();
    stopPreparing();
    await this.#tellEnd(report);
    await this.#close();
    return this.#statusOf(report);
  }

  /** Connects and makes indexes in the background; returns a function that ends that. */
  #connect(): () => void {
    const { events, fleet, log, settings: { ensureIndexes, writesTo }, store, uriFile, wakeHints } =
      this.#parts;
    store.follow(uriFile);
    const stopPreparing = prepareStore(store, { ...SYSTEM, events, log, ensureIndexes, writesTo });
    wakeHints?.start();
    fleet?.start();
    return stopPreparing;
  }

  async #tellEnd({ reason }: DrainReport): Promise<void> {
    const { health, jobEnd, log, nothingFound } = this.#parts;
    jobEnd.drained(reason);
    await doneBy(nothingFound.told, CLOSING);
    jobEnd.tell(log, health.counters);
  }

  async #close(): Promise<void> {
    const { alerts, backlog, controlFile, health } = this.#parts;
    backlog?.stop();
    const pushed = this.#telemetry?.flush(PUSH_LIMIT_MS);
    this.#telemetry?.stop();
    const closing = Promise.allSettled([controlFile.stop(), this.#disconnect(), health.stop()]);
    await Promise.all([doneBy(closing, CLOSING), alerts?.end(ALERTS_MS), pushed]);
  }

  async #disconnect(): Promise<void> {
    const { fleet, fleetShare, store, wakeHints } = this.#parts;
    await Promise.all([wakeHints?.stop(), fleet?.stop(), fleetShare?.stop()]);
    await store.close();
  }

  #statusOf({ abandoned }: DrainReport): number {
    const { changedBuiltins, jobEnd, modeEnd, sourceEnd } = this.#parts;
    const isFailure = abandoned > 0 || jobEnd.isFailure || changedBuiltins.isFailure;
    return sourceEnd.status || modeEnd.status || (isFailure ? 1 : 0);
  }
}
