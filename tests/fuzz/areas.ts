import type { AnyArea } from "./area.ts";
import { ControlArea } from "./areas/control.ts";
import { DocumentsArea } from "./areas/documents.ts";
import { ProcessArea } from "./areas/process.ts";
import { ResultsArea } from "./areas/results.ts";
import { RulesArea } from "./areas/rules.ts";
import { ServersArea } from "./areas/servers.ts";
import { SettingsArea } from "./areas/settings.ts";

/** Every area there is. */
export const AREAS: readonly AnyArea[] = [
  new DocumentsArea(),
  new RulesArea(),
  new ServersArea(),
  new ResultsArea(),
  new ProcessArea(),
  new ControlArea(),
  new SettingsArea(),
];
