import { UsageError } from "../errors.ts";
import { customProcessor } from "./custom.ts";
import { logProcessor } from "./log.ts";
import { loadModule } from "./module.ts";
import type { Processing } from "./processor.ts";

/**
 * The processor that `PROCESSOR` names.
 *
 * @throws {UsageError} Where it names none, or a module that cannot be used.
 */
export async function loadProcessor(name: string): Promise<Processing> {
  if (name === "log") return { kind: "single", process: logProcessor };
  if (name === "custom") return { kind: "single", process: customProcessor };
  if (name.startsWith("module:")) return await loadModule(name.slice("module:".length));
  throw new UsageError(`PROCESSOR is "${name}": set it to log, custom or module:PATH`);
}
