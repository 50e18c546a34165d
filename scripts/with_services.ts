/**
 * Runs a program with the services that a bare one-node cluster lacks: `with_services.ts HOST API_SERVICE API_SERVER
 * PROGRAM...`.
 *
 * - a MongoDB server, a replica set of one that pods reach at HOST; TEST_K8S_MONGODB_URI tells the program its address
 * - the API server (API_SERVER, host:port) at the address of its Service (API_SERVICE, an address of this machine)
 *
 * @module
 */

import { startMongod } from "./mongod.ts";
import { endGroup, spawnTied } from "./tied_process.ts";

const [host, apiService, apiServer, program, ...args] = Deno.args;
if (!host || !apiService || !apiServer || !program) {
  console.error("with_services.ts: give HOST API_SERVICE API_SERVER PROGRAM: its head says what they are");
  Deno.exit(2);
}

const interrupted = new AbortController();
let running: Deno.ChildProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => {
    interrupted.abort();
    if (running) endGroup(running, 30_000);
  });
}

const listener = Deno.listen({ hostname: apiService, port: 443 });
forward(listener, apiServer);
const server = await startMongod({ host, replicaSet: true });
let code = 130;
try {
  if (!interrupted.signal.aborted) {
    running = await spawnTied(program, args, { env: { TEST_K8S_MONGODB_URI: server.uri } });
    ({ code } = await running.status);
  }
} finally {
  listener.close();
  await server.stop();
}
Deno.exit(code);

async function forward(listener: Deno.TcpListener, target: string): Promise<void> {
  const [hostname, port] = target.split(":") as [string, string];
  for await (const incoming of listener) {
    Deno.connect({ hostname, port: Number(port) }).then((outgoing) => {
      // Each direction ends when the other does; a client that went away is no news.
      incoming.readable.pipeTo(outgoing.writable).catch(() => {});
      outgoing.readable.pipeTo(incoming.writable).catch(() => {});
    }, () => incoming.close());
  }
}
