import process from "node:process";

/**
 * The code of every warning of the driver, and the code of a module that the runtime uses to look up the name in a
 * mongodb+srv:// string.
 */
const MUTED = new Set(["MONGODB DRIVER", "DEP0040"]);

let areMuted = false;

/**
 * Keeps warnings of the driver, and of the modules below it, from standard error: they are not the agent's sentences.
 * They are about options of the connection string that the agent overrides and reports. Warnings of a user's module
 * stay. Later calls do nothing.
 */
export function muteDriverWarnings(): void {
  if (areMuted) return;
  areMuted = true;
  const others = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning: Error & { code?: string }) => {
    if (MUTED.has(warning.code ?? "")) return;
    for (const listener of others) listener.call(process, warning);
  });
}
