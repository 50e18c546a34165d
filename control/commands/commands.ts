import { cancelCommand } from "./cancel_command.ts";
import { checkCommand } from "./check_command.ts";
import type { Command } from "./command.ts";
import { dashboardCommand } from "./dashboard_command.ts";
import { deadLettersCommand } from "./dead_letters_command.ts";
import { doctorCommand } from "./doctor_command.ts";
import { healthCommand } from "./health_command.ts";
import { helpCommand } from "./help_command.ts";
import { metricsCommand } from "./metrics_command.ts";
import { pauseCommand } from "./pause_command.ts";
import { requeueCommand } from "./requeue_command.ts";
import { resumeCommand } from "./resume_command.ts";
import { runCommand } from "./run_command.ts";
import { statusCommand } from "./status_command.ts";
import { topCommand } from "./top_command.ts";
import { tryCommand } from "./try_command.ts";
import { versionCommand } from "./version_command.ts";
import { whyCommand } from "./why_command.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  pauseCommand,
  resumeCommand,
  statusCommand,
  topCommand,
  healthCommand,
  metricsCommand,
  dashboardCommand,
  whyCommand,
  requeueCommand,
  cancelCommand,
  deadLettersCommand,
  checkCommand,
  doctorCommand,
  tryCommand,
  helpCommand,
  versionCommand,
];

/** What `pulling-agent` does without a command. */
export const DEFAULT_COMMAND = runCommand;
