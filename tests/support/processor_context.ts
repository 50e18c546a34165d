import type { ProcessorContext } from "../../agent/processors/processor.ts";
import { SILENT } from "./agent_setup.ts";

/** A context for processors that tests call themselves; `given` is what differs. */
export function processorContext(given: Partial<ProcessorContext> = {}): ProcessorContext {
  return {
    attempt: 1,
    snoozes: 0,
    idempotencyKey: "db.c:1",
    signal: new AbortController().signal,
    stopping: new AbortController().signal,
    log: SILENT,
    saved: undefined,
    checkpoint: () => Promise.resolve(),
    progress() {},
    ...given,
  };
}
