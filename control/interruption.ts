import { systemClock } from "../agent/lib/clock.ts";
import { leave } from "../agent/processors/exit_guard.ts";
import { remarks } from "../agent/telemetry/remarks.ts";
import { SignalEcho } from "./signal_echo.ts";

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type StopSignal = keyof typeof NUMBERS;

/** The signals that a command listens to: it decides what they do. */
const awaited = new Set<StopSignal>();

/**
 * Makes a signal that asks for a stop end PID 1 at once, as it ends any other process, until a command listens to it. A container may run a command as its first process, which is PID 1: the kernel keeps
 * from it each signal that it does not listen to, and a command may wait for its reader without a limit.
 */
export function endAtSignals(): void {
  if (Deno.pid !== 1) return;
  for (const signal of Object.keys(NUMBERS) as StopSignal[]) {
    Deno.addSignalListener(signal, () => {
      if (!awaited.has(signal)) leave(statusOf(signal));
    });
  }
}

function awaitAll(): void {
  for (const signal of Object.keys(NUMBERS) as StopSignal[]) awaited.add(signal);
}

/** Calls `listener` at Ctrl-C, which then ends nothing by itself. */
export function atCtrlC(listener: () => void): void {
  awaited.add("SIGINT");
  Deno.addSignalListener("SIGINT", listener);
}

/** Calls `listener` at each signal that asks for a stop, with the exit status that tells a shell of it. */
export function atStopSignals(listener: (status: number) => void): void {
  awaitAll();
  for (const signal of Object.keys(NUMBERS) as StopSignal[]) {
    Deno.addSignalListener(signal, () => listener(statusOf(signal)));
  }
}

/** The exit status that tells a shell which signal came. */
function statusOf(signal: StopSignal): number {
  return 128 + NUMBERS[signal];
}

/**
 * Listens to the signals that ask for a stop, so that work in batches can end between two of them and report its
 * progress. A second signal ends the process at once.
 */
export class Interruption {
  readonly #echo = new SignalEcho(systemClock);
  readonly #abort = new AbortController();
  #first: StopSignal | undefined;

  constructor() {
    awaitAll();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => this.#receive(signal));
    }
  }

  /** Aborts when the first signal comes, to end a wait. */
  get aborted(): AbortSignal {
    return this.#abort.signal;
  }

  /** The signal that came, if there was one. */
  get signal(): string | undefined {
    return this.#first;
  }

  /** The exit status that tells a shell which signal came; 0 if none did. */
  get status(): number {
    return this.#first ? statusOf(this.#first) : 0;
  }

  #receive(signal: StopSignal): void {
    if (this.#echo.isEcho(signal)) return;
    if (this.#first === undefined) {
      this.#first = signal;
      remarks.say(`${signal}: stopping after what is under way`);
      this.#abort.abort();
    } else {
      remarks.flushSync();
      leave(this.status);
    }
  }
}

/**
 * Makes the first signal that asks for a stop end the process once `ending` has resolved, even while the process
 * waits for a reader. A second signal ends it at once.
 */
export function endOnceDone(ending: () => Promise<void>): void {
  awaitAll();
  const echo = new SignalEcho(systemClock);
  let isEnding = false;
  for (const signal of Object.keys(NUMBERS) as StopSignal[]) {
    Deno.addSignalListener(signal, () => {
      if (echo.isEcho(signal)) return;
      const end = () => {
        remarks.flushSync();
        leave(statusOf(signal));
      };
      if (isEnding) return end();
      isEnding = true;
      ending().then(end, end);
    });
  }
}
