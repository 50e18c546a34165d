import type { AgentEvent } from "../events.ts";
import type { Logger } from "./logger.ts";

/** Logs how far the documents had come that were released. */
export function logReleased(
  log: Logger,
  { aborted, documents, hadNoRoom = 0, inDoubt = 0 }: Extract<AgentEvent, { type: "released" }>,
): void {
  const waiting = documents - aborted - hadNoRoom - inDoubt;
  if (waiting > 0) log.info("Released documents that had not started", { documents: waiting });
  if (aborted > 0) {
    log.warn(
      "Released documents whose handler was aborted: they run again, from their last checkpoint if they have one",
      {
        documents: aborted,
      },
    );
  }
  if (hadNoRoom > 0) {
    log.warn(
      "Released documents whose results found no room in memory: they run again, from their last checkpoint if they have one",
      {
        documents: hadNoRoom,
      },
    );
  }
  if (inDoubt > 0) {
    log.warn(
      "Released documents that MongoDB does not let be marked processed: they run again",
      {
        documents: inDoubt,
      },
    );
  }
}
