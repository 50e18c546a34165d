import { forbidExit } from "../agent/processors/exit_guard.ts";
import type { Environment } from "../agent/settings/load_settings.ts";
import { remarks } from "../agent/telemetry/remarks.ts";

/**
 * What any command has to do before it loads a processor's module: as soon as the module is loaded, it may act, or
 * start a worker that keeps the permissions of this moment. Only the commands that send signals may start programs, and
 * only the agent ends its process.
 */
export async function guardAgainstModule(env: Environment): Promise<void> {
  await Deno.permissions.revoke({ name: "run" });
  forbidExit(env("PROCESSOR"), remarks);
}
