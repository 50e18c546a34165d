import { errorText } from "../errors.ts";
import type { EventOf } from "../events.ts";
import type { GroupedLog } from "./grouped_log.ts";
import { eventLine, failureLine, sumLine } from "./line_kind.ts";
import type { Logger } from "./logger.ts";

const FAILED = failureLine("WARNING", "Cannot claim documents");
const REFUSED = eventLine("ERROR", "A document cannot be claimed and is left alone");
const TAKEOVERS = sumLine("INFO", "Took over documents whose lease had expired");

/** Logs what claims bring, and which documents they cannot take. */
export class ClaimLog {
  readonly #log: Logger;
  readonly #grouped: GroupedLog;
  readonly #formatId: (id: unknown) => string;
  #isHeldUpTold = false;
  /** The number of documents that are left alone, as it was logged last, by reason. */
  #leftAlone = new Map<string, number>();

  constructor(log: Logger, grouped: GroupedLog, formatId: (id: unknown) => string) {
    this.#log = log;
    this.#grouped = grouped;
    this.#formatId = formatId;
  }

  claimed({ type: _, elapsedMs, ...counts }: EventOf<"claimed">): void {
    const { documents, takeovers } = counts;
    this.failuresAreOver();
    if (takeovers > 0) this.#grouped.report(TAKEOVERS, { documents: takeovers });
    if (documents > 0) this.#log.debug("Claimed documents", { ...counts, elapsedMs: Math.round(elapsedMs) });
  }

  failuresAreOver(): void {
    this.#grouped.over(FAILED);
  }

  failed({ error, isLasting, retryInMs }: EventOf<"claim_failed">): void {
    const fields = () => ({ error: errorText(error), retryInMs });
    this.#grouped.report(FAILED, { error, fields, ...(isLasting && { level: "ERROR" }) });
  }

  refused({ id, error }: EventOf<"claim_refused">): void {
    const fields = () => ({ id: this.#formatId(id), error: errorText(error) });
    this.#grouped.report(REFUSED, { error, documents: 1, fields });
  }

  /** That documents wait for others is normal: it is said once. */
  heldUp({ reason }: EventOf<"claims_held_up">): void {
    this.#log[this.#isHeldUpTold ? "debug" : "info"](
      "Documents wait until another one of the same key is settled, as a unique index asks for",
      { reason: errorText(reason) },
    );
    this.#isHeldUpTold = true;
  }

  /** Logs how many documents wait and cannot be claimed, each time the number changes. */
  leftAlone({ groups }: EventOf<"left_alone">): void {
    const told = new Map<string, number>();
    for (const { documents, example, isMore, reason } of groups) {
      const text = errorText(reason);
      told.set(text, documents);
      if (this.#leftAlone.get(text) === documents) continue;
      this.#log.warn("Documents wait that cannot be claimed", {
        documents: isMore ? `${documents} or more` : documents,
        example: this.#formatId(example),
        reason: text,
      });
    }
    this.#leftAlone = told;
  }
}
