/** Does what signals ask for. */
export interface SignalHandler {
  stop(signal: Deno.Signal): void;
  pause(): void;
  resume(): void;
  /** Shows that the signal has reached this process. */
  answer(): void;
}

/** What a signal asks for. */
type SignalCommand = { kind: "stop"; signal: Deno.Signal } | { kind: "pause" | "resume" | "answer" };

const COMMANDS: Partial<Record<Deno.Signal, SignalCommand["kind"]>> = {
  SIGTERM: "stop",
  SIGINT: "stop",
  SIGHUP: "stop",
  SIGUSR1: "pause",
  SIGUSR2: "resume",
  // Does nothing to a process that does not listen to it: what asks for an answer may ask the wrong process.
  SIGURG: "answer",
};

/**
 * Listens to all signals that mean something to the agent, from its construction to the end of the process.
 *
 * It is made before anything else: until then PID 1 ignores them, and any other process dies of the two user signals.
 * The listeners are never removed: as PID 1 that would leave the process to die of the next signal. What arrives before
 * {@linkcode Signals.handle} is kept.
 */
export class Signals {
  #early: SignalCommand[] = [];
  #handler: SignalHandler | undefined;
  #tellStopped: (signal: Deno.Signal) => void = () => {};
  /** Resolves with the first signal that asks to stop, handled or not. */
  readonly stopped: Promise<Deno.Signal> = new Promise((resolve) => this.#tellStopped = resolve);

  constructor() {
    // Unheard it would end the process as soon as the log has reached a limit on the size of files.
    Deno.addSignalListener("SIGXFSZ", () => {});
    for (const [signal, kind] of Object.entries(COMMANDS) as [Deno.Signal, SignalCommand["kind"]][]) {
      Deno.addSignalListener(signal, () => this.#receive(kind === "stop" ? { kind, signal } : { kind }));
    }
  }

  /** Hands all signals to `handler` from now on, those that came before first. */
  handle(handler: SignalHandler): void {
    this.#handler = handler;
    for (const command of this.#early.splice(0)) pass(command, handler);
  }

  #receive(command: SignalCommand): void {
    if (command.kind === "stop") this.#tellStopped(command.signal);
    if (this.#handler) pass(command, this.#handler);
    else this.#early.push(command);
  }
}

function pass(command: SignalCommand, to: SignalHandler): void {
  switch (command.kind) {
    case "stop":
      return to.stop(command.signal);
    case "pause":
      return to.pause();
    case "resume":
      return to.resume();
    case "answer":
      return to.answer();
  }
}
