import process from "node:process";

/**
 * The code of every warning of the driver's, and that of a module which the runtime itself takes to look up the name of a
 * mongodb+srv:// string.
 */
const MUTED = new Set(["MONGODB DRIVER", "DEP0040"]);

let areMuted = false;

/**
 * Keeps warnings of the driver's and of what it stands on from standard error, where they are no sentence of the agent's: they are about options of
 * the connection string that the agent overrides and tells of. Those of a user's module stay. Later calls do nothing.
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
