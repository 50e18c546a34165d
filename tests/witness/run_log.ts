/**
 * JavaScript to put in front of a processor module that is judged. It defines `witnessed(handler)`, which writes down, in
 * the file that the variable `WITNESS_RUNS` names, when each run of the handler begins and how it ends.
 */
export const RUN_LOG = `
const witnessed = (() => {
  const file = Deno.env.get("WITNESS_RUNS"), agent = Deno.env.get("AGENT_NAME");
  let count = 0;
  const write = (line) =>
    Deno.writeTextFileSync(file, JSON.stringify({ ...line, at: Date.now(), agent }) + "\\n", { append: true });
  return (handler) => async (document, context) => {
    const run = Deno.pid + ":" + count++;
    let saved = context.saved;
    write({ run, what: "begin", key: context.idempotencyKey, attempt: context.attempt, saved });
    const checkpoint = (data) => context.checkpoint(saved = data);
    const get = (target, name) => name === "checkpoint" ? checkpoint : target[name];
    try {
      const result = await handler(document, new Proxy(context, { get }));
      write({ run, what: "done", saved });
      return result;
    } catch (error) {
      write({ run, what: "failed", saved, permanent: error?.permanent === true });
      throw error;
    }
  };
})();
`;

/** A run of a handler, as its processor wrote it down; times in milliseconds since 1970. */
export interface Run {
  readonly key: string;
  readonly agent: string;
  readonly attempt: number;
  readonly beganMs: number;
  /** The checkpoint that it was given, as JSON. */
  readonly given: string | undefined;
  /** Undefined while it goes on, and if its process was killed. */
  end?: {
    readonly how: "done" | "failed";
    readonly atMs: number;
    /** The last checkpoint that it made or was given, as JSON. */
    readonly saved: string | undefined;
    readonly isPermanent: boolean;
  };
}

/** Reads the runs of a file as far as they began or ended until a time, and no further. */
export class RunReader {
  readonly #lines: AsyncIterator<Line>;
  readonly #isShifted: (agent: string) => boolean;
  readonly #open = new Map<string, Run>();
  #next: Line | undefined;
  #isOver = false;

  /** @param isShifted whether the times of an agent tell nothing */
  constructor(lines: AsyncIterator<Line>, isShifted: (agent: string) => boolean) {
    this.#lines = lines;
    this.#isShifted = isShifted;
  }

  /** The runs that began until `atMs` and were not returned before; those that ended until then have their end. */
  async until(atMs: number): Promise<Run[]> {
    const begun: Run[] = [];
    for (;;) {
      if (this.#next === undefined && !this.#isOver) {
        const { done, value } = await this.#lines.next();
        this.#isOver = done === true;
        this.#next = value;
      }
      const line = this.#next;
      if (line === undefined) return begun;
      if (line.at > atMs && !this.#isShifted(line.agent)) return begun;
      this.#next = undefined;
      this.#take(line, begun);
    }
  }

  #take({ agent, at, attempt, key, permanent, run, saved, what }: Line, begun: Run[]): void {
    const json = saved === undefined ? undefined : JSON.stringify(saved);
    const name = `${agent}/${run}`;
    if (what === "begin") {
      const started = { key: key!, agent, attempt: attempt!, beganMs: at, given: json };
      this.#open.set(name, started);
      begun.push(started);
      return;
    }
    this.#open.get(name)!.end = { how: what, atMs: at, saved: json, isPermanent: permanent === true };
    this.#open.delete(name);
  }
}

/** A line of the file. */
export interface Line {
  readonly run: string;
  readonly what: "begin" | "done" | "failed";
  readonly at: number;
  readonly agent: string;
  readonly key?: string;
  readonly attempt?: number;
  readonly saved?: unknown;
  readonly permanent?: boolean;
}
