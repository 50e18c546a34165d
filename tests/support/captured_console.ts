/** What a piece of code prints, kept from the terminal. */
export interface Captured<T> {
  value: T;
  /** Lines of `console.log`. */
  out: string[];
  /** Lines of `console.error`. */
  err: string[];
}

/** Runs `work` and returns what it printed. Not for several at once. */
export async function captureConsole<T>(work: () => T | Promise<T>): Promise<Captured<T>> {
  const { log, error } = console;
  const out: string[] = [];
  const err: string[] = [];
  console.log = (...args) => void out.push(args.join(" "));
  console.error = (...args) => void err.push(args.join(" "));
  try {
    return { value: await work(), out, err };
  } finally {
    Object.assign(console, { log, error });
  }
}
