/**
 * A port of a pod, as `kubectl port-forward` brings it to this machine.
 *
 * @module
 */

import type { Namespace } from "./namespace.ts";

/**
 * Use {@linkcode PortForward.open}; `await using` ends it. If kubectl ends by itself, as it does with the first connection
 * that a busy pod resets, it is run again with the same port of this machine.
 */
export class PortForward implements AsyncDisposable {
  readonly port: number;
  readonly #start: (local: number) => Promise<Forwarding>;
  readonly #running: Promise<void>;
  #child: Deno.ChildProcess;
  #isOver = false;

  private constructor({ child, port }: Forwarding, start: (local: number) => Promise<Forwarding>) {
    this.#child = child;
    this.port = port;
    this.#start = start;
    this.#running = this.#keep();
  }

  /** Resolves once kubectl listens here. */
  static async open(namespace: Namespace, target: string, port: number): Promise<PortForward> {
    const [program, ...words] = namespace.kubectlWords;
    const start = (local: number) => {
      const ports = `${local === 0 ? "" : local}:${port}`;
      return forward(program!, [...words, "port-forward", "--address=127.0.0.1", target, ports]);
    };
    return new PortForward(await start(0), start);
  }

  /** The root of what is served there. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    end(this.#child);
    await this.#running;
  }

  async #keep(): Promise<void> {
    while (!this.#isOver) {
      await this.#child.status;
      if (this.#isOver) return;
      const again = await this.#start(this.port).catch(() => undefined);
      if (again) this.#child = again.child;
      if (this.#isOver) end(this.#child);
    }
  }
}

/** A kubectl that forwards a port. */
interface Forwarding {
  child: Deno.ChildProcess;
  port: number;
}

async function forward(program: string, args: string[]): Promise<Forwarding> {
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "inherit" }).spawn();
  let text = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      await child.status;
      throw new Error(`kubectl port-forward has ended: ${text}`);
    }
    text += value;
    const [, local] = /^Forwarding from 127\.0\.0\.1:(\d+) /m.exec(text) ?? [];
    if (local === undefined) continue;
    // What it reports of each connection has to be read on.
    (async () => {
      while (!(await reader.read()).done);
    })();
    return { child, port: Number(local) };
  }
}

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself.
  }
}
