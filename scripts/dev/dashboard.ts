import { signalGroup, spawnTied } from "../tied_process.ts";
import { agentCommand } from "./agent_process.ts";
import type { Plan } from "./plan.ts";

/** The port that `pulling-agent dashboard` takes by itself. */
const USUAL_PORT = 7979;

/** The dashboard of `make dev`, with actions, for this machine alone. */
export class DevDashboard implements AsyncDisposable {
  /** Where a browser finds it. */
  readonly address: string;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  /** Starts it; undefined if it does not start: the agent works without it. Its errors go to the terminal. */
  static async start(plan: Plan, uri: string): Promise<DevDashboard | undefined> {
    const { args, ...options } = await agentCommand(plan, uri, [
      "dashboard",
      "--allow-actions",
      `--listen=127.0.0.1:${isFree(USUAL_PORT) ? USUAL_PORT : 0}`,
    ]);
    const child = await spawnTied(Deno.execPath(), args, { ...options, stdout: "piped", stderr: "inherit" });
    const address = await addressIn(child.stdout);
    return address === undefined ? undefined : new DevDashboard(child, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    signalGroup(this.#child, "SIGTERM");
    await this.#child.status;
  }
}

/** The address in what it prints first; undefined if it ends before. What it prints later is not read. */
async function addressIn(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  let text = "";
  const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    text += value;
    const address = / is at (http:\S+)/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}
