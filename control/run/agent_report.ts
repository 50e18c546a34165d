import type { AgentReport } from "../../agent/fleet/registry.ts";
import { STUCK } from "../fleet/trouble_text.ts";
import type { Status } from "../../health/status.ts";

/** What an agent reports to its fleet: the same as its status file says, for operators who cannot see that. */
export function agentReport(
  { control, counters, held, last_error, loop, ready, state, trouble }: Status,
  { controlId, history }: Pick<AgentReport, "controlId" | "history">,
): AgentReport {
  const { by, reason, since, source } = control;
  return {
    state,
    // Its beats go on also if its loop does not: to operators it would look well.
    isReady: ready && !loop.stuck,
    trouble: loop.stuck
      ? `${STUCK}: it is in the stage ${JSON.stringify(loop.stage)}`
      : trouble && (trouble.message === undefined ? trouble.what : `${trouble.what}: ${trouble.message}`),
    control: { state: control.state, source, by, reason, since: new Date(since) },
    controlId,
    held: held.documents,
    running: held.running,
    counters,
    history,
    lastError: last_error && { at: new Date(last_error.at), message: last_error.message },
  };
}
