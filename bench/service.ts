import { endGroup, spawnTied } from "../scripts/tied_process.ts";
import { ROOT } from "./bench.ts";

/** The service that does nothing, in a process of its own; `await using` ends it. */
export class BenchService implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}/`;
  }

  static async start(): Promise<BenchService> {
    const program = `${ROOT}/bench/programs/service.ts`;
    const args = ["run", "--quiet", "--no-prompt", "--no-config", "--allow-net", program];
    const child = await spawnTied(Deno.execPath(), args, { stdout: "piped" });
    let printed = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (printed.endsWith("\n")) return new BenchService(child, Number(printed));
    }
    throw new Error("The service that does nothing has ended at its start");
  }

  /** TCP connections that have brought documents since this was asked last. */
  async connections(): Promise<number> {
    return await (await fetch(this.url)).json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endGroup(this.#child, 10_000);
  }
}
