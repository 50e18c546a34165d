import { CommandError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { leave } from "../../agent/processors/exit_guard.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { readSetting } from "../../agent/settings/load_settings.ts";
import { answers } from "../../agent/telemetry/printer.ts";
import { inOneLine, printableLines } from "../../agent/text/terminal_text.ts";
import { inJson, inWords, type Look, lookAt, summaryOf } from "../../health/status_report.ts";
import { atCtrlC } from "../interruption.ts";
import { terminalSize, writeToTerminal } from "../terminal.ts";

/** Time between two looks, in milliseconds. */
const EVERY_MS = 2000;

/** What is shown of a look at an agent, or of the reason why there is none. */
type Shown = Look | CommandError;

/**
 * Shows again and again what the agent of this health directory is doing, until Ctrl-C. On a terminal each status takes
 * the place of the one before; otherwise each is a line.
 *
 * @throws {CommandError} If there is no agent when it begins, or if the reader has ended. An agent that goes away later is
 * waited for.
 */
export async function watchStatus(
  { asJson, env }: { asJson: boolean; env: Environment },
): Promise<number> {
  const directory = readSetting("healthDir", env);
  const isScreen = !asJson && Deno.stdout.isTerminal() && env("TERM") !== "dumb";
  const show = isScreen ? showInPlace : async (shown: Shown) => await showAsLine(shown, asJson);
  // The reader may not read, and the agent may not answer: neither keeps the command from its end.
  atCtrlC(() => leave(0));
  let shown: Shown = await lookAt(directory);
  if (isScreen) await writeToTerminal("\x1b[2J");
  for (;;) {
    await show(shown);
    await sleep(systemClock, EVERY_MS);
    shown = await lookAgain(directory);
  }
}

/** The agent may be started anew meanwhile. */
async function lookAgain(directory: string): Promise<Shown> {
  try {
    return await lookAt(directory);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** One line each: what is written to a file, or through a pipe, can be searched by time. */
async function showAsLine(shown: Shown, asJson: boolean): Promise<void> {
  const at = new Date().toISOString();
  const isError = shown instanceof CommandError;
  if (asJson) await answers.print(isError ? JSON.stringify({ at, problem: shown.message }) : inJson(shown));
  else await answers.print(`${at.slice(0, 19)}Z ${isError ? inOneLine(shown.message) : summaryOf(shown)}`);
  // What waits for its reader would grow with each look.
  await answers.finish();
}

/** From the top left corner: each line and what is below the last one is cleared, and long lines end at the edge. */
async function showInPlace(shown: Shown): Promise<void> {
  const text = shown instanceof CommandError ? inOneLine(shown.message) : inWords(shown);
  const lines = [...printableLines(text).split("\n"), "", `every ${EVERY_MS / 1000} s, Ctrl-C ends it`];
  const shownLines = lines.slice(0, (terminalSize()?.rows ?? Infinity) - 1).map((line) => `${line}\x1b[K\n`);
  await writeToTerminal(`\x1b[?7l\x1b[H${shownLines.join("")}\x1b[J\x1b[?7h`);
}
