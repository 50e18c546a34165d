import type { Processor } from "./processor.ts";

/**
 * Your processor, compiled into the binary and run with `PROCESSOR=custom`.
 *
 * Replace the body: resolve when the document is done, throw to have it retried.
 */
export const customProcessor: Processor = (document, { log }) => {
  log.info("Write your processor in agent/processors/custom.ts", { fields: Object.keys(document) });
};
