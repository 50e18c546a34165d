/** The exit function, as it was before a user's module could replace it. */
const exit = Deno.exit;

/**
 * Deno notes here that the hooks of the exit have run. Without this note they would run again, and could change the
 * status.
 */
const HOOKS_HAVE_RUN = Symbol.for("Deno.isUnloadDispatched");

/** The status with which the process ends, once that is decided. */
let leaving: number | undefined;

/** A call of a user's module that would have ended the process. */
export class ExitRefusedError extends Error {
  override readonly name = "ExitRefusedError";
  /** The call, such as `Deno.exit(0)`. */
  readonly call: string;

  constructor(call: string) {
    super(
      `The processor called ${call}, but only the agent ends its process: ` +
        "return when the document is done, throw when it is not",
    );
    this.call = call;
  }
}

/** Calls this when the process is about to end. */
export interface LastWords {
  say(text: string): void;
  flushSync(): void;
}

/** Ends the process with `status`. The exit hooks of a user's module run, and change nothing of the status. */
export function leave(status: number): never {
  // A hook that fails leads here once more: the status stays.
  if (leaving === undefined) {
    leaving = status;
    globalThis.addEventListener("error", (event) => event.preventDefault());
    globalThis.dispatchEvent(new Event("unload"));
  }
  (globalThis as Record<symbol, unknown>)[HOOKS_HAVE_RUN] = true;
  return exit(leaving);
}

/**
 * From now on only {@linkcode leave} ends the process. A call by which a user's module would end it throws instead:
 * then it is the failure of one document, and no Job counts it as a success. If the process ends in another way, that
 * is reported in `remarks` as the doing of `processor`, and the exit status is 1. To be called before the module is
 * loaded.
 */
export function forbidExit(processor: string | undefined, remarks: LastWords): void {
  // What is built in does not end the process.
  if (processor === undefined || processor === "log") return;
  const refuse = (name: string) => (...args: unknown[]): never => {
    throw new ExitRefusedError(`${name}(${args.map(String).join(", ")})`);
  };
  Deno.exit = refuse("Deno.exit");
  globalThis.close = refuse("close");
  const { process } = globalThis as unknown as { process?: Record<string, unknown> };
  for (const name of ["exit", "reallyExit", "abort"]) {
    if (process && name in process) process[name] = refuse(`process.${name}`);
  }
  globalThis.addEventListener("unload", () => {
    if (leaving !== undefined) return;
    Deno.exitCode = 1;
    remarks.say(`pulling-agent: PROCESSOR=${processor} ended the process: only the agent may`);
    remarks.flushSync();
  });
}
