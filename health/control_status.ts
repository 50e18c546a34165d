import { type SafeText, secrets } from "../agent/text/redact.ts";

/** Whether an agent may claim, who decided it, and since when. */
export interface Control {
  readonly state: "running" | "paused";
  readonly source: string;
  readonly since: Date;
  /** Who asked for it and why, if the source tells. */
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** The same as the status shows it. */
export interface ControlStatus {
  state: "running" | "paused";
  source: string;
  since: string;
  by?: SafeText;
  reason?: SafeText;
}

/** What the status shows of a {@linkcode Control}. */
export function controlStatus({ by, reason, since, source, state }: Control): ControlStatus {
  return {
    state,
    source,
    since: since.toISOString(),
    ...(by !== undefined && { by: secrets.text(by) }),
    ...(reason !== undefined && { reason: secrets.text(reason) }),
  };
}
