/**
 * Takes a CPU profile of a program whose inspector is open: `profile.ts [SECONDS] [HOST:PORT] > agent.cpuprofile`.
 *
 * @module
 */

/** What the inspector answers to one command. */
interface Answer {
  readonly id: number;
  readonly result?: { readonly profile?: unknown };
  readonly error?: { readonly message: string };
}

const [seconds = "10", address = "127.0.0.1:9229"] = Deno.args;

/** The address at which the inspector takes commands. */
async function inspectorOf(address: string): Promise<string> {
  const response = await fetch(`http://${address}/json/list`).catch(() => {
    throw new Error(`No inspector answers at ${address}: start the program with --inspect=${address}`);
  });
  const [target] = await response.json() as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error(`The inspector at ${address} has no program to look at`);
  return target.webSocketDebuggerUrl;
}

/** Sends one command after the other. */
class Inspector {
  readonly #socket: WebSocket;
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`The inspector at ${url} refuses the connection`));
    await promise;
    return new Inspector(socket);
  }

  send(method: string): Promise<Answer["result"]> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer["result"]>();
    const id = ++this.#sent;
    this.#socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data) as Answer;
      if (answer.id !== id) return;
      if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
      else resolve(answer.result);
    };
    this.#socket.onclose = () => reject(new Error("The program ended before its profile was taken"));
    this.#socket.send(JSON.stringify({ id, method }));
    return promise;
  }
}

try {
  const inspector = await Inspector.connect(await inspectorOf(address));
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.start");
  console.error(`profile.ts: taking a profile for ${seconds} s`);
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  const result = await inspector.send("Profiler.stop");
  console.log(JSON.stringify(result?.profile));
  Deno.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
