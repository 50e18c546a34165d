import type { Environment } from "../../agent/settings/load.ts";
import { forbidExit } from "../../agent/processors/exit_guard.ts";
import { secrets } from "../../agent/text/redact.ts";
import { type Setting, SETTINGS } from "../../agent/settings/settings.ts";
import { remarks } from "../../agent/telemetry/remarks.ts";
import { printAnswer } from "../../health/print_answer.ts";
import { settingsAndProcessor } from "./checked_settings.ts";

/**
 * Prints every setting as the agent would use it; returns the exit status.
 *
 * @throws {UsageError} With every problem there is.
 */
export async function check(env: Environment): Promise<number> {
  // As `run` does, so that a processor's module finds here what it will find there.
  await Deno.permissions.revoke({ name: "run" });
  forbidExit(env("PROCESSOR"), remarks);
  const { settings, warnings } = await settingsAndProcessor(env, Object.keys(Deno.env.toObject()));
  const lines = (Object.entries(SETTINGS) as [keyof typeof settings, Setting<unknown>][]).map(
    ([key, spec]) => {
      const value = settings[key];
      const shown = value === undefined ? "(none)" : secrets.text(spec.parse.format(value));
      return `${spec.variable.padEnd(24)}${shown}`;
    },
  );
  printAnswer(
    [...lines, ...warnings.map((warning) => `Warning: ${secrets.text(warning)}`), "The settings are fine."]
      .join("\n"),
  );
  return 0;
}
