import type { Detail, Details } from "../details.ts";
import type { AgentEvent, Backlog, Events } from "../events.ts";
import { timeOfDayMs } from "../lib/builtins.ts";
import type { Clock } from "../lib/clock.ts";
import type { Numbers } from "./numbers.ts";

/** Turns what happens in the agent into numbers. */
export class MetricsRecorder {
  readonly #clock: Clock;
  readonly #numbers: Numbers;

  constructor({ clock, details, events, numbers }: RecorderOptions) {
    this.#clock = clock;
    this.#numbers = numbers;
    events.subscribe((event) => this.#observe(event));
    numbers.set("breakerOpen", 0);
    // A metric that is missing starts no alert.
    numbers.set("backlogCounted", 0);
    details.subscribe((detail) => this.#observeDetail(detail));
  }

  #observe(event: AgentEvent): void {
    const numbers = this.#numbers;
    switch (event.type) {
      case "claimed":
        numbers.add("claimed", event.documents);
        numbers.add("takenOver", event.takeovers);
        numbers.add("claimConflicts", event.conflicts);
        numbers.set("lastClaim", timeOfDayMs() / 1000);
        break;
      case "claim_failed":
        numbers.add("claimErrors", 1);
        break;
      case "processed":
      case "released":
      case "snoozed":
      case "canceled":
        numbers.add("settled", event.documents, { outcome: event.type });
        break;
      case "retried":
      case "dead_lettered":
        numbers.add("settled", 1, { outcome: event.type });
        break;
      case "retried_among":
        numbers.add("settled", event.documents, { outcome: "retried" });
        break;
      case "handler_failed":
        numbers.add("attemptsFailed", 1);
        break;
      case "lease_lost":
        numbers.add("leasesLost", event.documents);
        break;
      case "settle_rejected":
        numbers.add("outcomesRefused", 1);
        break;
      case "unconfirmed":
        numbers.add("outcomesUnconfirmed", event.documents);
        break;
      case "left_alone":
        numbers.set("leftAlone", event.groups.reduce((sum, { documents }) => sum + documents, 0));
        break;
      case "breaker_opened":
        numbers.set("breakerOpen", 1);
        if (!event.isAgain) numbers.add("breakerOpened", 1);
        break;
      case "breaker_closed":
        numbers.set("breakerOpen", 0);
        break;
      case "backlog_seen":
        this.#setBacklog(event);
        break;
    }
  }

  #setBacklog(
    { agoMs, backlog: { claimable, deadLetters, oldestMs } }: { agoMs: number; backlog: Backlog },
  ): void {
    const numbers = this.#numbers;
    // What is not known leaves it: its age is what tells that no agent counts.
    if (claimable !== undefined) numbers.set("backlogCounted", (timeOfDayMs() - agoMs) / 1000);
    numbers.set("claimable", claimable);
    numbers.set("oldestClaimable", oldestMs === undefined ? undefined : oldestMs / 1000);
    numbers.set("deadLetters", deadLetters);
  }

  #observeDetail(detail: Detail): void {
    const numbers = this.#numbers;
    switch (detail.type) {
      case "run_ended":
        numbers.observe("handlerSeconds", this.#secondsSince(detail.startedAtMs), { result: detail.result });
        break;
      case "start_limited":
        numbers.observe("rateLimitWait", detail.waitMs / 1000);
        break;
      case "picked_up":
        numbers.observe("pickUpDelay", detail.delayMs / 1000);
        break;
      case "operation_ended":
        numbers.observe("operationSeconds", this.#secondsSince(detail.startedAtMs), {
          operation: detail.operation,
          outcome: detail.isOk ? "ok" : "error",
        });
        break;
    }
  }

  #secondsSince(startedAtMs: number): number {
    return (this.#clock.monotonicMs() - startedAtMs) / 1000;
  }
}

/** What a {@linkcode MetricsRecorder} needs. */
export interface RecorderOptions {
  clock: Clock;
  details: Details;
  events: Events;
  numbers: Numbers;
}
