import type { AgentHome, StartOptions } from "./agent_home.ts";
import type { AgentProcess } from "./agent_process.ts";

/** A dashboard under test. */
export interface DashboardProcess {
  /** With its base, which ends with a slash. */
  address: string;
  process: AgentProcess;
}

/** Starts a dashboard on a free port; it ends with the home. */
export async function startDashboard(
  home: AgentHome,
  { args = [], ...options }: StartOptions = {},
): Promise<DashboardProcess> {
  const process = await home.start({ ...options, args: ["dashboard", "--listen", "127.0.0.1:0", ...args] });
  const { message } = await process.log(" is at http://");
  return { address: / is at (\S+)/.exec(message)![1]!, process };
}
