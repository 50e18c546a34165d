import { errorText } from "../../agent/errors.ts";
import type { AgentEvent, EventOf, Events } from "../../agent/events.ts";
import { timeOfDayMs } from "../../agent/lib/builtins.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
import type { GroupedLog } from "../../agent/telemetry/grouped_log.ts";
import { failureLine } from "../../agent/telemetry/line_kind.ts";
import type { Logger } from "../../agent/telemetry/logger.ts";
import { errorPattern } from "../../agent/text/error_pattern.ts";
import { secrets } from "../../agent/text/redact.ts";
import { alertBody, type AlertSource } from "./letter_alert.ts";
import { PendingAlert } from "./pending_alert.ts";
import type { Webhook } from "./webhook.ts";

/** Kinds of errors that are kept apart, at most: further ones are reported together. */
const MAX_GROUPS = 50;
const OTHERS = "(other errors)";

/** Letters with one kind of error are reported at most this often, in milliseconds. */
const GROUP_MS = 60_000;
/** The wait between two requests, in milliseconds: chats take one a second. */
const GAP_MS = 1000;
/** After a request that failed, the next is sent so much later, in milliseconds, or when the answer asks for it. */
const FAILED_MS = 60_000;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** So much of an id is sent, in UTF-16 units. */
const MAX_ID = 500;

const FAILED = failureLine("WARNING", "Cannot report dead letters to ON_DEAD_LETTER");

/**
 * Reports dead letters to a webhook, as far as it can be reached: one request at a time, and at most one a minute for
 * each kind of error. What cannot be sent is counted and goes into a later request, so nothing piles up. The work waits
 * for none of this.
 */
export class DeadLetterAlerts {
  readonly #options: DeadLetterAlertsOptions;
  readonly #groups = new Map<string, PendingAlert>();
  readonly #ending = new AbortController();
  /** No request is sent before this time of the clock, in milliseconds. */
  #notBeforeMs = -Infinity;
  #cancelTimer: (() => void) | undefined;
  #posting: Promise<void> | undefined;
  /** Letters of the request under way. */
  #underWay = 0;
  #isEnding = false;

  constructor(options: DeadLetterAlertsOptions) {
    this.#options = options;
    options.events.subscribe((event: AgentEvent) => {
      if (event.type === "dead_lettered") this.#add(event);
    });
  }

  /** How many letters are not reported yet, as far as is known. */
  get #unreported(): number {
    return this.#groups.values().reduce((sum, { count }) => sum + count, this.#underWay);
  }

  /** Reports what is left, within `limitMs`, and ends. What cannot be sent is logged. */
  async end(limitMs: number): Promise<void> {
    const { clock, log, webhook } = this.#options;
    this.#isEnding = true;
    this.#cancelTimer?.();
    await doneBy(this.#sendRest(), { clock, limitMs });
    this.#ending.abort(new Error("the agent ends"));
    const letters = this.#unreported;
    if (letters > 0) {
      log.warn(
        "Dead letters were not reported to ON_DEAD_LETTER before the end: look at dead-letters summary",
        {
          letters,
        },
      );
    }
    await webhook.close();
  }

  #add({ id, attempt, error }: EventOf<"dead_lettered">): void {
    const { clock, formatId } = this.#options;
    const pattern = errorPattern(error);
    const isRest = this.#groups.size >= MAX_GROUPS && !this.#groups.has(pattern);
    const name = isRest ? OTHERS : pattern;
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new PendingAlert(name, clock.monotonicMs());
      this.#groups.set(name, group);
    }
    group.add({ id: secrets.text(formatId(id), MAX_ID), attempt, error }, timeOfDayMs());
    this.#schedule();
  }

  /** Sets a timer for the next request, if there is anything to send and none is under way. */
  #schedule(): void {
    if (this.#posting !== undefined || this.#isEnding) return;
    this.#cancelTimer?.();
    this.#forget();
    const next = this.#next();
    if (next === undefined) return;
    const waitMs = Math.max(next.dueMs, this.#notBeforeMs) - this.#options.clock.monotonicMs();
    // Letters that one write has made are reported together.
    this.#cancelTimer = this.#options.clock.after(Math.max(0, waitMs), () => {
      this.#posting = this.#send(next).then((): void => {
        this.#posting = undefined;
        this.#schedule();
      });
    }, { isBackground: true });
  }

  /** The group with letters that is due first. */
  #next(): PendingAlert | undefined {
    let next: PendingAlert | undefined;
    for (const group of this.#groups.values()) {
      if (group.count > 0 && (next === undefined || group.dueMs < next.dueMs)) next = group;
    }
    return next;
  }

  /** Forgets the groups without letters that were reported long enough ago. */
  #forget(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [name, { count, dueMs }] of this.#groups) {
      if (count === 0 && dueMs <= nowMs) this.#groups.delete(name);
    }
  }

  /** Sends what there is of a group. Never throws; returns whether it was accepted. */
  async #send(group: PendingAlert): Promise<boolean> {
    const { clock, grouped, log, source, webhook } = this.#options;
    const letters = group.take();
    this.#underWay = letters.count;
    group.dueMs = clock.monotonicMs() + GROUP_MS;
    try {
      await webhook.post(alertBody(source, letters), { clock, log, signal: this.#ending.signal });
      this.#underWay = 0;
      this.#notBeforeMs = clock.monotonicMs() + GAP_MS;
      grouped.over(FAILED);
      return true;
    } catch (error) {
      this.#underWay = 0;
      group.putBack(letters);
      this.#notBeforeMs = clock.monotonicMs() + waitAfter(error);
      if (!this.#ending.signal.aborted) {
        const fields = () => ({ error: errorText(error), letters: this.#unreported });
        grouped.report(FAILED, { error, fields });
      }
      return false;
    }
  }

  /** Sends each group, whether it is due or not, until one is not accepted. */
  async #sendRest(): Promise<void> {
    await this.#posting;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (this.#ending.signal.aborted || !await this.#send(next)) return;
    }
  }
}

/** What a {@linkcode DeadLetterAlerts} needs. */
export interface DeadLetterAlertsOptions {
  clock: Clock;
  events: Events;
  /** Writes an `_id` for people. */
  formatId(id: unknown): string;
  log: Logger;
  grouped: GroupedLog;
  source: AlertSource;
  webhook: Pick<Webhook, "post" | "close">;
}

function waitAfter(error: unknown): number {
  const { retryAfterMs } = error as { retryAfterMs?: unknown };
  if (typeof retryAfterMs !== "number") return FAILED_MS;
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(FAILED_MS, retryAfterMs));
}
