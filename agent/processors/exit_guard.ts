/** The exit, as it was before any module of the user's could replace it. */
const exit = Deno.exit;

/** Where Deno notes that the hooks of the exit have run: without it they would run again, and could change the status. */
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

/** Takes what is said when the process is about to end. */
export interface LastWords {
  say(text: string): void;
  flushSync(): void;
}

/** Ends the process with `status`. What a user's module does at the end is done, and changes nothing of it. */
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
 * From now on only {@linkcode leave} ends the process: what a user's module calls to end it throws instead, so that it is
 * the failure of one document rather than the success of a Job. What ends the process in another way is told of in
 * `remarks` as the deed of `processor`, and makes the exit status 1. To be called before the module is loaded.
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
