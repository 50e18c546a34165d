import type { ForeignLog } from "../../agent/processors/foreign_log.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { secrets } from "../../agent/text/redact.ts";
import type { Setting } from "../../agent/settings/setting.ts";
import { SETTINGS } from "../../agent/settings/settings.ts";
import { confirmations, remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine, printable } from "../../agent/text/terminal_text.ts";
import { ModuleConsole } from "../module_console.ts";
import { guardAgainstModule } from "../module_guard.ts";
import { type Checked, settingsAndProcessor } from "./checked_settings.ts";

/**
 * Prints every setting as the agent would use it; returns the exit status.
 *
 * @throws {UsageError} With every problem there is.
 */
export async function check(env: Environment): Promise<number> {
  // As `run` does, so that a processor's module finds the same here as there.
  await guardAgainstModule(env);
  const log: ForeignLog = { write: (_, text) => remarks.say(text) };
  new ModuleConsole((level, text) => log.write(level, text));
  confirmations.say(
    inWords(await settingsAndProcessor(env, Object.keys(Deno.env.toObject()), log)),
  );
  return 0;
}

/** Every setting as the agent would use it, without credentials, and what is odd about them. */
export function inWords({ settings, warnings }: Pick<Checked, "settings" | "warnings">): string {
  const width = Math.max(...Object.values(SETTINGS).map(({ variable }) => variable.length)) + 2;
  const lines = (Object.entries(SETTINGS) as [keyof typeof settings, Setting<unknown>][]).map(
    ([key, spec]) => {
      const value = settings[key];
      const shown = value === undefined ? "(none)" : secrets.text(spec.parse.format(value));
      return `${spec.variable.padEnd(width)}${printable(shown)}`;
    },
  );
  const remarked = warnings.map((warning) => `Warning: ${inOneLine(secrets.text(warning))}`);
  return [...lines, ...remarked, "The settings are fine."].join("\n");
}
