import { forbidExit } from "../agent/processors/exit_guard.ts";
import type { Environment } from "../agent/settings/environment.ts";
import { remarks } from "../agent/telemetry/remarks.ts";

/**
 * What any command has to do before it loads a processor's module: as soon as the module is loaded, it may act, or
 * start a worker that keeps the permissions of this moment. Only the commands that send signals may start programs, and
 * only the agent ends its process. With `PROCESSOR=exec:` there is no module, and a command that `startsPrograms` keeps
 * the permission.
 */
export async function guardAgainstModule(
  env: Environment,
  { startsPrograms = false }: { startsPrograms?: boolean } = {},
): Promise<void> {
  const keeps = startsPrograms && (env("PROCESSOR") ?? "").trim().startsWith("exec:");
  if (!keeps) await Deno.permissions.revoke({ name: "run" });
  forbidExit(env("PROCESSOR"), remarks);
}
