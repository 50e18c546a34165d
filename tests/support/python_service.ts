/**
 * An example in Python that serves HTTP.
 *
 * @module
 */

import { spawnTied } from "../../scripts/tied_process.ts";
import { TextLineStream } from "./text_lines.ts";
import { waitFor } from "./wait.ts";

/** The service of a file in `examples/`, at work; `await using` ends it. */
export class PythonService implements AsyncDisposable {
  readonly address: string;
  /** What it has written so far. */
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  private constructor(child: Deno.ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
    this.#reading = this.#read();
  }

  /** Starts it, and waits until it listens. */
  static async start(file: string): Promise<PythonService> {
    const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = free.addr as Deno.NetAddr;
    free.close();
    const env = { PORT: String(port) };
    const child = await spawnTied("python3", [`examples/${file}`], { env, stdout: "piped", stderr: "null" });
    const service = new PythonService(child, `http://127.0.0.1:${port}`);
    await waitFor("the service", async () => {
      const connection = await Deno.connect({ port }).catch(() => undefined);
      connection?.close();
      return connection;
    });
    return service;
  }

  async #read(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) this.lines.push(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
  }
}
