import { forbidExit } from "../agent/processors/exit_guard.ts";
import type { Environment } from "../agent/settings/load.ts";
import { remarks } from "../agent/telemetry/remarks.ts";

/**
 * What has to be done before a processor's module is loaded, by any command: it may act, or start a worker that keeps the
 * permissions of this moment, as soon as it is. Only the commands that send signals may start programs, and only the agent
 * ends its process.
 */
export async function guardAgainstModule(env: Environment): Promise<void> {
  await Deno.permissions.revoke({ name: "run" });
  forbidExit(env("PROCESSOR"), remarks);
}
