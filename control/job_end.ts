import { CANNOT_CLAIM, CANNOT_WRITE, NOTHING_LEFT, PROCESSOR_FAILS } from "../agent/drain.ts";
import { errorText, SourceError } from "../agent/errors.ts";
import type { AgentEvent, Events } from "../agent/events.ts";
import type { LeftAlone } from "../agent/ports.ts";
import { formatId } from "../agent/store/documents/format_id.ts";
import { idKey } from "../agent/store/documents/id_key.ts";
import type { Logger } from "../agent/telemetry/logger.ts";

/** A document whose outcome MongoDB refuses in every form. */
interface Unsettled {
  readonly id: unknown;
  readonly error: unknown;
}

/** Of more documents than these it is only counted how often they were refused: a run may meet millions. */
const MAX_UNSETTLED = 10_000;

/**
 * How a run with `--until-empty` ended: a Job succeeds only if nothing is left. It fails if documents are left that no
 * claim can take or whose outcome MongoDB refuses, if no claim succeeds, or if the agent is stopped before it is done.
 */
export class JobEnd {
  readonly #untilEmpty: boolean;
  #reason: string | undefined;
  #left: readonly LeftAlone[] = [];
  readonly #unsettled = new Map<string, Unsettled>();
  /** Refusals of documents beyond those that are known by their ids. */
  #moreUnsettled = 0;
  #lastUnsettled: Unsettled | undefined;
  #error: unknown;
  #unwritten: unknown;
  /** Why the processor fails. */
  #failure: unknown;

  constructor(events: Events, { untilEmpty }: { untilEmpty: boolean }) {
    this.#untilEmpty = untilEmpty;
    events.subscribe((event) => this.#observe(event));
  }

  /** Takes note of why the agent's drain began. */
  drained(reason: string): void {
    this.#reason = reason;
  }

  /** The run was to end when nothing is left, and something is or may be. */
  get isFailure(): boolean {
    if (!this.#untilEmpty) return false;
    return this.#reason !== NOTHING_LEFT || this.#left.length > 0 || this.#unsettledCount > 0;
  }

  get #unsettledCount(): number {
    return this.#unsettled.size + this.#moreUnsettled;
  }

  /** Reports how the run ended; nothing for a run that was to go on until it is stopped. */
  tell(log: Logger, counters: Readonly<Record<string, number>>): void {
    if (!this.#untilEmpty) return;
    if (this.#reason === CANNOT_CLAIM) {
      log.error("Gave up before nothing was left: claims fail, and no wait mends it", {
        error: errorText(this.#error),
      });
    } else if (this.#reason === CANNOT_WRITE) {
      log.error("Gave up before nothing was left: outcomes cannot be written, and no wait mends it", {
        error: errorText(this.#unwritten),
      });
    } else if (this.#reason === PROCESSOR_FAILS) {
      log.error("Gave up before nothing was left: the processor fails for one document after the other", {
        error: errorText(this.#failure),
      });
    } else if (this.#error instanceof SourceError && this.#reason === this.#error.message) {
      log.error("Gave up before nothing was left: the collection is not there, or is none", {
        error: errorText(this.#error),
      });
    } else if (this.#reason !== NOTHING_LEFT) {
      log.warn("Stopped before nothing was left: run it again to do the rest", { reason: this.#reason });
    } else if (!this.isFailure) log.info("Nothing claimable is left", counters);
    else this.#tellWhatIsLeft(log, counters);
  }

  #tellWhatIsLeft(log: Logger, counters: Readonly<Record<string, number>>): void {
    const [left, unsettled] = [this.#left[0], this.#unsettled.values().next().value ?? this.#lastUnsettled];
    if (left) {
      log.error("Documents are left that cannot be claimed", {
        documents: this.#left.reduce((sum, { documents }) => sum + documents, 0),
        example: formatId(left.example),
        reason: errorText(left.reason),
        ...counters,
      });
    }
    if (unsettled) {
      log.error("Documents are left whose outcome MongoDB refuses: change the validator or the index", {
        documents: this.#unsettledCount,
        example: formatId(unsettled.id),
        error: errorText(unsettled.error),
        ...counters,
      });
    }
  }

  #observe(event: AgentEvent): void {
    if (event.type === "left_alone") this.#left = event.groups;
    if (event.type === "claim_failed") this.#error = event.error;
    if (event.type === "settle_failed") this.#unwritten = event.error;
    if (event.type === "breaker_opened") this.#failure = event.error;
    // There is no smaller write to try: the document stays as it is.
    if (event.type === "settle_rejected" && event.next === "nothing") {
      this.#refused(event);
    }
    if (event.type === "settled_at_last") this.#unsettled.delete(idKey(event.id));
  }

  /** A document may be refused again each time that its lease has run out: it counts once. */
  #refused({ id, error }: Unsettled): void {
    const key = idKey(id);
    if (this.#unsettled.has(key)) return;
    if (this.#unsettled.size < MAX_UNSETTLED) this.#unsettled.set(key, { id, error });
    else {
      this.#moreUnsettled += 1;
      this.#lastUnsettled = { id, error };
    }
  }
}
