import { type CommandLine, parseCommandLine } from "./control/commands/command_line.ts";
import type { Probe } from "./health/probe_command.ts";
import { Signals } from "./control/signals.ts";
import { leave } from "./agent/processors/exit_guard.ts";
import { inOneLine } from "./agent/text/terminal_text.ts";
import { confirmations, remarks } from "./agent/telemetry/remarks.ts";
import { CommandError, errorText, HealthDirError, isSystemError, UsageError } from "./agent/errors.ts";

const env = (variable: string) => Deno.env.get(variable);

/**
 * Carries a command out and returns the exit status. What a command needs is imported when it is called for: a probe
 * that loaded the database driver would cost three times as much, every few seconds.
 */
async function execute(line: CommandLine): Promise<number> {
  switch (line.command) {
    case "run": {
      // Before anything else: until then PID 1 is deaf, and any other process dies of the user signals.
      const signals = new Signals();
      const { run } = await import("./control/commands/run_command.ts");
      return await run(env, signals, { untilEmpty: line.flags.includes("until-empty") });
    }
    case "pause":
    case "resume": {
      const { pauseCommand } = await import("./control/commands/pause_command.ts");
      await pauseCommand(line.command, env);
      return 0;
    }
    case "status": {
      const { statusCommand } = await import("./health/status_command.ts");
      await statusCommand({ json: line.flags.includes("json"), env });
      return 0;
    }
    case "health": {
      const { probe } = await import("./health/probe_command.ts");
      return await probe(line.word as Probe, env) ? 0 : 1;
    }
    case "dead-letters": {
      const { deadLetters } = await import("./control/commands/dead_letters_command.ts");
      return await deadLetters(line, env);
    }
    case "check": {
      const { checkCommand } = await import("./control/commands/check_command.ts");
      await checkCommand(env);
      return 0;
    }
    case "help": {
      const { helpText } = await import("./control/commands/help.ts");
      console.log(helpText(line.about));
      return 0;
    }
    case "version": {
      const { versionText } = await import("./agent/version.ts");
      console.log(versionText());
      return 0;
    }
  }
}

/** Says what went wrong, one line for each problem, without a stack trace for a mistake of the user's; returns the exit status. */
function report(error: unknown): number {
  if (error instanceof UsageError) {
    for (const problem of error.problems) complain(inOneLine(problem));
    return 2;
  }
  complain(described(error));
  return 1;
}

function described(error: unknown): string {
  if (error instanceof HealthDirError || error instanceof CommandError) return inOneLine(error.message);
  // A full disk, a file that may not be read, a device that fails: the machine's doing, and no bug.
  if (isSystemError(error)) {
    return `${inOneLine(errorText(error))}: look at the file system, its room and its permissions`;
  }
  return `this is a bug: report it with what follows: ${inspected(error)}`;
}

function complain(problem: string): void {
  remarks.say(`pulling-agent: ${problem}`);
}

/** What is said before the end may take this long to be written, in milliseconds: there may be no reader. */
const LAST_WORDS_LIMIT_MS = 1000;

/** Ends the process once what was said is written, or its reader has had its time. */
async function end(status: number): Promise<never> {
  await Promise.all([remarks, confirmations].map((each) => each.flush(LAST_WORDS_LIMIT_MS)));
  // What a user's module keeps open (a timer, a socket) must not hold the process.
  leave(status);
}

/** An error with its stack, in colours only for a terminal. */
function inspected(error: unknown): string {
  return Deno.inspect(error, { colors: Deno.stderr.isTerminal() && !Deno.noColor });
}

/** What a module left behind may fail while `check` loads it: said as any other error, not by the runtime in colours. */
function failed(event: Event, error: unknown): void {
  event.preventDefault();
  const what = event.type === "unhandledrejection"
    ? "a promise that was not awaited has failed"
    : "an error that no code caught";
  const whose = `${what}, of the processor's module or of the agent`;
  if (isFailing) return;
  isFailing = true;
  complain(`${whose}: ${inspected(error)}`);
  end(1);
}

/** Whether one of them is told of: the process ends. */
let isFailing = false;

if (import.meta.main) {
  let status: number;
  try {
    const line = parseCommandLine(Deno.args);
    // The agent itself goes on: its log tells of them.
    if (line.command !== "run") {
      globalThis.addEventListener("unhandledrejection", (event) => failed(event, event.reason));
      globalThis.addEventListener("error", (event) => failed(event, event.error ?? event.message));
    }
    status = await execute(line);
  } catch (error) {
    status = report(error);
  }
  await end(isFailing ? 1 : status);
}
