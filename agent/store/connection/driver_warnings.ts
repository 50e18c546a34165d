import process from "node:process";

/** The code of every warning of the driver's. */
const OF_THE_DRIVER = "MONGODB DRIVER";

let areMuted = false;

/**
 * Keeps the driver's own warnings from standard error, where they are no sentence of the agent's: they are about options of
 * the connection string that the agent overrides and tells of. Those of a user's module stay. Later calls do nothing.
 */
export function muteDriverWarnings(): void {
  if (areMuted) return;
  areMuted = true;
  const others = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning: Error & { code?: string }) => {
    if (warning.code === OF_THE_DRIVER) return;
    for (const listener of others) listener.call(process, warning);
  });
}
