import { errorText } from "../errors.ts";
import type { AfterRefusal, EventOf, SettleKind } from "../events.ts";
import type { GroupedLog } from "./grouped_log.ts";
import { eventLine, failureLine, type LineKind, namingLine, sumLine } from "./line_kind.ts";
import type { Logger } from "./logger.ts";

/** What the agent does after the database refused an outcome. */
const AFTER_REFUSAL: Record<AfterRefusal, string> = {
  nack: "the attempt has failed, and is tried again",
  nack_without_error: "it is set back without the error",
  dead_letter: "it becomes a dead letter",
  nothing:
    "it stays as it is until its lease runs out; change the validator, index or right that does not allow it",
};

const PROCESSED = sumLine("INFO", "Processed documents");
const SNOOZED = sumLine("INFO", "Put documents off, as their processor asked");
const RETRIED = eventLine("WARNING", "Processing failed and will be retried");
const RETRIED_AMONG = eventLine(
  "WARNING",
  "Processing failed and will be retried; others have changed the documents since",
);
const DEAD_LETTERED = eventLine("ERROR", "Document is a dead letter");
const LEASE_LOST = eventLine(
  "WARNING",
  "Lost the lease on documents: what they became is up to their new holder",
);
const CANCELED = eventLine("INFO", "An operator has canceled documents: their handlers are aborted");
const UNCONFIRMED = eventLine(
  "WARNING",
  "Cannot confirm a write whose answer was lost; most likely it was applied",
);
const RENEW_FAILED = failureLine("WARNING", "Cannot renew leases");
const CHECKPOINT_REFUSED = eventLine(
  "WARNING",
  "MongoDB refuses the checkpoint of a run, which goes on without",
);
const RELEASE_REFUSED = namingLine(
  "ERROR",
  "MongoDB refuses to set documents back to pending: an agent takes them over when their lease runs out",
);
const NOT_STARTED = eventLine("INFO", "Released documents that had not started");
const ABORTED = eventLine(
  "WARNING",
  "Released documents whose handler was aborted: they run again, from their last checkpoint if they have one",
);
const NO_ROOM = eventLine(
  "WARNING",
  "Released documents whose results found no room in memory: they run again, from their last checkpoint if they have one",
);
const IN_DOUBT = eventLine(
  "WARNING",
  "Released documents that MongoDB does not let be marked processed: they run again",
);

const SPARED = eventLine(
  "INFO",
  "Released documents that failed while the processor fails for all: the attempt does not count",
);

/** Ids that one line names, at most. */
const MAX_IDS = 10;

/** Documents; or, if there are more ids than documents, the documents that these are among. */
interface Named {
  readonly documents: number;
  readonly ids: readonly unknown[];
}

/** Logs what becomes of documents, and what MongoDB does not let become of them. */
export class SettleLog {
  readonly #log: Logger;
  readonly #grouped: GroupedLog;
  readonly #formatId: (id: unknown) => string;
  /** Writes that have failed and have not succeeded since. */
  readonly #failing = new Set<SettleKind>();

  constructor(log: Logger, grouped: GroupedLog, formatId: (id: unknown) => string) {
    this.#log = log;
    this.#grouped = grouped;
    this.#formatId = formatId;
  }

  processed({ documents }: EventOf<"processed">): void {
    this.#written("ack");
    this.#written("ack_with_writes");
    this.#log.debug("Wrote acks", { documents });
    this.#grouped.report(PROCESSED, { documents });
  }

  snoozed({ documents }: EventOf<"snoozed">): void {
    this.#written("snooze");
    this.#grouped.report(SNOOZED, { documents });
  }

  /** Logs how far the documents had come that were released. */
  released({ aborted, documents, hadNoRoom = 0, inDoubt = 0, spared = 0 }: EventOf<"released">): void {
    this.#written("release");
    const report = (kind: LineKind, documents: number) => {
      if (documents > 0) this.#grouped.report(kind, { documents, fields: () => ({ documents }) });
    };
    report(NOT_STARTED, documents - aborted - hadNoRoom - inDoubt - spared);
    report(ABORTED, aborted);
    report(NO_ROOM, hadNoRoom);
    report(IN_DOUBT, inDoubt);
    report(SPARED, spared);
  }

  retried({ id, attempt, error, delayMs }: EventOf<"retried">): void {
    this.#written("nack");
    const fields = () => ({ id: this.#formatId(id), attempt, error, delayMs });
    this.#grouped.report(RETRIED, { error, documents: 1, fields });
  }

  deadLettered({ id, attempt, error }: EventOf<"dead_lettered">): void {
    this.#written("dead_letter");
    const fields = () => ({ id: this.#formatId(id), attempt, error });
    this.#grouped.report(DEAD_LETTERED, { error, documents: 1, fields });
  }

  retriedAmong(event: EventOf<"retried_among">): void {
    this.#reportNamed(RETRIED_AMONG, event);
  }

  leaseLost(event: EventOf<"lease_lost">): void {
    this.#reportNamed(LEASE_LOST, event);
  }

  canceled(event: EventOf<"canceled">): void {
    this.#reportNamed(CANCELED, event);
  }

  unconfirmed(event: EventOf<"unconfirmed">): void {
    this.#reportNamed(UNCONFIRMED, event);
  }

  failed({ kind, documents, error, isLasting, retryInMs }: EventOf<"settle_failed">): void {
    const fields = () => ({ error: errorText(error), documents, retryInMs });
    this.#failing.add(kind);
    this.#grouped.report(cannotWrite(kind), { error, fields, ...(isLasting && { level: "ERROR" }) });
  }

  rejected({ kind, id, attempt, error, failure, next }: EventOf<"settle_rejected">): void {
    const fields = () => ({
      id: this.#formatId(id),
      attempt,
      error: errorText(error),
      ...(failure && { failure }),
    });
    if (kind === "release" || kind === "snooze") {
      const ownFields = () => ({ error: errorText(error) });
      this.#grouped.report(RELEASE_REFUSED, {
        error,
        documents: 1,
        id: this.#formatId(id),
        fields: ownFields,
      });
    } else this.#grouped.report(outcomeRefused(kind, next), { error, documents: 1, fields });
  }

  checkpointRefused({ id, attempt, error }: EventOf<"checkpoint_refused">): void {
    const fields = () => ({ id: this.#formatId(id), attempt, error: errorText(error) });
    this.#grouped.report(CHECKPOINT_REFUSED, { error, documents: 1, fields });
  }

  renewFailed({ documents, error }: EventOf<"renew_failed">): void {
    this.#grouped.report(RENEW_FAILED, { error, fields: () => ({ error: errorText(error), documents }) });
  }

  #written(kind: SettleKind): void {
    if (this.#failing.delete(kind)) this.#grouped.over(cannotWrite(kind));
  }

  #reportNamed(kind: LineKind, { documents, ids, during }: Named & { readonly during?: string }): void {
    const fields = () => ({
      documents,
      ...(during !== undefined && { during }),
      [ids.length > documents ? "among" : "ids"]: ids.slice(0, MAX_IDS).map(this.#formatId),
    });
    this.#grouped.report(kind, { documents, fields });
  }
}

function cannotWrite(kind: SettleKind): LineKind {
  return failureLine("WARNING", `Cannot write the outcome (${kind}), trying again`);
}

function outcomeRefused(kind: SettleKind, next: AfterRefusal): LineKind {
  return eventLine("ERROR", `MongoDB refuses the outcome (${kind}) of a document: ${AFTER_REFUSAL[next]}`);
}
