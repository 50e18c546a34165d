/**
 * A port of a pod, as `kubectl port-forward` brings it to this machine.
 *
 * @module
 */

import type { Namespace } from "./namespace.ts";

/** Use {@linkcode PortForward.open}; `await using` ends it. */
export class PortForward implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Resolves once kubectl listens here. */
  static async open(namespace: Namespace, target: string, port: number): Promise<PortForward> {
    const [program, ...words] = namespace.kubectlWords;
    const child = new Deno.Command(program!, {
      args: [...words, "port-forward", "--address=127.0.0.1", target, `:${port}`],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`kubectl port-forward has ended: ${text}`);
      text += value;
      const [, local] = /^Forwarding from 127\.0\.0\.1:(\d+) /m.exec(text) ?? [];
      if (local === undefined) continue;
      // What it reports of each connection has to be read on.
      (async () => {
        while (!(await reader.read()).done);
      })();
      return new PortForward(child, Number(local));
    }
  }

  /** The root of what is served there. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Resolves once kubectl has ended by itself. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
  }
}
