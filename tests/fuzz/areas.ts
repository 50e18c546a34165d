import type { AnyArea } from "./area.ts";
import { ControlArea } from "./areas/control.ts";
import { DocumentsArea } from "./areas/documents.ts";
import { ProcessArea } from "./areas/process.ts";
import { ProgramsArea } from "./areas/programs.ts";
import { ResultsArea } from "./areas/results.ts";
import { RulesArea } from "./areas/rules.ts";
import { ServersArea } from "./areas/servers.ts";
import { ServicesArea } from "./areas/services.ts";
import { SettingsArea } from "./areas/settings.ts";

/** Every area there is. */
export const AREAS: readonly AnyArea[] = [
  new DocumentsArea(),
  new RulesArea(),
  new ServersArea(),
  new ResultsArea(),
  new ServicesArea(),
  new ProgramsArea(),
  new ProcessArea(),
  new ControlArea(),
  new SettingsArea(),
];
