import { UsageError } from "../errors.ts";
import { customProcessor } from "./custom.ts";
import { logProcessor } from "./log.ts";
import { loadModule } from "./module.ts";
import type { Processor } from "./processor.ts";

/**
 * The processor that `PROCESSOR` names.
 *
 * @throws {UsageError} Where it names none, or a module that cannot be used.
 */
export async function loadProcessor(name: string): Promise<Processor> {
  if (name === "log") return logProcessor;
  if (name === "custom") return customProcessor;
  if (name.startsWith("module:")) return await loadModule(name.slice("module:".length));
  throw new UsageError(`PROCESSOR is "${name}": set it to log, custom or module:PATH`);
}
