import "./agent/lib/node_buffer.ts";
import { parseCommandLine } from "./control/commands/command_line.ts";
import { endAtSignals } from "./control/interruption.ts";
import { leave } from "./agent/processors/exit_guard.ts";
import { builtins, namesOf } from "./agent/lib/builtin_watch.ts";
import { inOneLine } from "./agent/text/terminal_text.ts";
import { answers } from "./agent/telemetry/printer.ts";
import { confirmations, remarks } from "./agent/telemetry/remarks.ts";
import { CommandError, errorText, isSystemError } from "./agent/errors.ts";

/**
 * Prints what went wrong, one line per problem, without a stack trace if it is the user's mistake; returns the exit
 * status.
 */
function report(error: unknown): number {
  if (error instanceof CommandError) {
    for (const problem of error.problems) complain(inOneLine(problem));
    return error.status;
  }
  complain(described(error));
  return 1;
}

function described(error: unknown): string {
  // A full disk, a file that may not be read, a device that fails: that is the machine, not a bug.
  if (isSystemError(error)) {
    return `${inOneLine(errorText(error))}: look at the file system, its room and its permissions`;
  }
  builtins.putBackAll();
  if (builtins.found.length > 0) {
    const names = namesOf(builtins.found);
    return `the processor's module has changed what is built in, which the agent needs, too (${names}): ` +
      `remove that from the module (${inOneLine(errorText(error))})`;
  }
  return `this is a bug: report it with what follows: ${inspected(error)}`;
}

function complain(problem: string): void {
  remarks.say(`pulling-agent: ${problem}`);
}

/** Lines from before the end may take this long to be written, in milliseconds: there may be no reader. */
const LAST_WORDS_LIMIT_MS = 1000;

/** Ends the process once all lines are written, or once their reader has had its time. */
async function end(status: number): Promise<never> {
  await confirmations.flush(LAST_WORDS_LIMIT_MS);
  const { unwritten } = confirmations;
  if (unwritten !== undefined) complain(`Not all was printed (${unwritten}): the exit status is the answer`);
  await remarks.flush(LAST_WORDS_LIMIT_MS);
  // What a user's module keeps open (a timer, a socket) must not keep the process alive.
  leave(status);
}

/** An error with its stack, without colours: the text of an error may command the terminal. */
function inspected(error: unknown): string {
  return Deno.inspect(error, { colors: false });
}

/**
 * A promise or timer of a module may fail while `check` loads it: that is printed like any other error, not by the
 * runtime in colours.
 */
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

/** Whether one of them was reported: the process ends. */
let isFailing = false;

if (import.meta.main) {
  let status: number;
  try {
    const { command, line } = parseCommandLine(Deno.args);
    if (!command.outlivesStrayErrors) {
      globalThis.addEventListener("unhandledrejection", (event) => failed(event, event.reason));
      globalThis.addEventListener("error", (event) => failed(event, event.error ?? event.message));
      endAtSignals();
    }
    status = await command.run(line, (variable) => Deno.env.get(variable));
  } catch (error) {
    status = report(error);
  }
  try {
    await answers.finish();
  } catch (error) {
    // One sentence is enough: the first one.
    if (status === 0) status = report(error);
  }
  await end(isFailing ? 1 : status);
}
