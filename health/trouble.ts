import { errorText, SourceError } from "../agent/errors.ts";
import { type AgentEvent, showsThatOutcomesAreWritten } from "../agent/events.ts";
import { timeOfDayMs } from "../agent/lib/builtins.ts";
import { type SafeText, secrets } from "../agent/text/redact.ts";

/** Claims that have to fail in a row before the agent counts as not ready: one may be a failover. */
const FAILURES_TO_UNREADY = 2;
/** The same for outcomes that fail for a lasting or an unknown reason: one may be the fault of a single document. */
const UNWRITTEN_TO_UNREADY = 5;
/** This much of an error is kept, in UTF-16 units. */
const MAX_ERROR_LENGTH = 500;

/**
 * What keeps an agent that may work from being ready:
 *
 * - `not_reached`, `unreachable`: no MongoDB server that takes writes is in reach, or lets the agent in: since the start, or since
 *   it was lost;
 * - `no_collection`: the collection was not found yet;
 * - `claims_fail`, `outcomes_fail`: MongoDB refuses them, or does not answer;
 * - `processor_fails`: the breaker is open.
 */
export type TroubleKind =
  | "not_reached"
  | "unreachable"
  | "no_collection"
  | "claims_fail"
  | "outcomes_fail"
  | "processor_fails";

/** What is wrong, since when, and the last error. */
export interface TroubleStatus {
  what: TroubleKind;
  since: string;
  message?: SafeText;
  /** When the next document is tried, if the processor fails and none is tried now. */
  next_at?: string;
}

/** Knows whether the agent could work, if it may. */
export class Trouble {
  readonly #source: { readonly isUsable: boolean } | undefined;
  /** Since when each of them lasts. */
  readonly #since = new Map<TroubleKind, Date>();
  readonly #messages = new Map<TroubleKind, SafeText>();
  #nextTrial: Date | undefined;
  #failedClaims = 0;
  #unwritten = 0;

  /** Nothing is known of MongoDB yet. `source` tells whether there is a collection to claim from. */
  constructor(source?: { readonly isUsable: boolean }) {
    this.#source = source;
    this.#since.set("not_reached", new Date()).set("no_collection", new Date());
  }

  /** Whether a MongoDB server that takes writes is in reach, and lets the agent in. */
  get isReachable(): boolean {
    return !this.#since.has("not_reached") && !this.#since.has("unreachable");
  }

  /** Whether anything is wrong. */
  get exists(): boolean {
    return this.#kind !== undefined;
  }

  /** The first cause of what is wrong; undefined if nothing is. */
  get current(): TroubleStatus | undefined {
    const kind = this.#kind;
    if (kind === undefined) return undefined;
    const message = this.#messages.get(kind);
    const since = (this.#since.get(kind) ?? new Date()).toISOString();
    const nextTrial = kind === "processor_fails" ? this.#nextTrial : undefined;
    return {
      what: kind,
      since,
      ...(message !== undefined && { message }),
      ...(nextTrial && { next_at: nextTrial.toISOString() }),
    };
  }

  get #kind(): TroubleKind | undefined {
    if (this.#since.has("not_reached")) return "not_reached";
    if (this.#since.has("unreachable")) return "unreachable";
    if (this.#source?.isUsable === false) return "no_collection";
    if (this.#failedClaims >= FAILURES_TO_UNREADY) return "claims_fail";
    if (this.#unwritten >= UNWRITTEN_TO_UNREADY) return "outcomes_fail";
    if (this.#since.has("processor_fails")) return "processor_fails";
    return undefined;
  }

  /** The source may have changed. */
  sourceChanged(): void {
    if (this.#source?.isUsable) this.#end("no_collection");
    else this.#begin("no_collection");
  }

  /** Takes note of an event of the agent's. */
  observe(event: AgentEvent): void {
    if (event.type === "reachable_changed") {
      if (event.isReachable) this.#end("not_reached", "unreachable");
      else this.#begin(this.#lost, event.error);
    }
    if (event.type === "claim_failed") {
      this.#failedClaims += 1;
      this.#begin("claims_fail", event.error);
      if (event.error instanceof SourceError) this.#begin("no_collection", event.error);
      else if (!this.isReachable) this.#begin(this.#lost, event.error);
    }
    if (event.type === "claimed" || event.type === "registry_answers") {
      this.#failedClaims = 0;
      this.#end("claims_fail");
    }
    if (event.type === "settle_failed" && (event.isLasting || event.isDoubtful)) {
      this.#unwritten += 1;
      this.#begin("outcomes_fail", event.error);
    }
    if (event.type === "breaker_opened") {
      this.#nextTrial = new Date(timeOfDayMs() + event.retryInMs);
      this.#begin("processor_fails", event.error);
    }
    if (event.type === "breaker_half_opened") this.#nextTrial = undefined;
    if (event.type === "breaker_closed") this.#end("processor_fails");
    if (showsThatOutcomesAreWritten(event)) {
      this.#unwritten = 0;
      this.#end("outcomes_fail");
    }
  }

  get #lost(): TroubleKind {
    return this.#since.has("not_reached") ? "not_reached" : "unreachable";
  }

  #begin(kind: TroubleKind, error?: unknown): void {
    if (!this.#since.has(kind)) this.#since.set(kind, new Date());
    if (error !== undefined) this.#messages.set(kind, secrets.text(errorText(error), MAX_ERROR_LENGTH));
  }

  #end(...kinds: TroubleKind[]): void {
    for (const kind of kinds) {
      this.#since.delete(kind);
      this.#messages.delete(kind);
    }
  }
}
