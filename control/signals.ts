/** The actions that signals ask for. */
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
  // A process that does not listen to this signal ignores it: the one who asks may have the wrong process.
  SIGURG: "answer",
};

/**
 * Listens to all signals that mean something to the agent, from its construction to the end of the process.
 *
 * It is made before anything else: until then PID 1 ignores signals, and any other process dies of the two user
 * signals. The listeners are never removed: without them the next signal would end the process, even as PID 1. Signals
 * that arrive before {@linkcode Signals.handle} are kept.
 */
export class Signals {
  #early: SignalCommand[] = [];
  #handler: SignalHandler | undefined;
  #tellStopped: (signal: Deno.Signal) => void = () => {};
  /** Resolves with the first signal that asks to stop, handled or not. */
  readonly stopped: Promise<Deno.Signal> = new Promise((resolve) => this.#tellStopped = resolve);

  constructor() {
    // Without a listener it would end the process as soon as the log reaches a limit on the size of files.
    Deno.addSignalListener("SIGXFSZ", () => {});
    for (const [signal, kind] of Object.entries(COMMANDS) as [Deno.Signal, SignalCommand["kind"]][]) {
      Deno.addSignalListener(signal, () => this.#receive(kind === "stop" ? { kind, signal } : { kind }));
    }
  }

  /** Passes all signals to `handler` from now on, those that came before first. */
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
