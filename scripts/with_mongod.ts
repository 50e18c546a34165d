/**
 * Runs a program with a MongoDB server of its own: `with_mongod.ts HOST VARIABLE PROGRAM [ARGUMENTS]`.
 *
 * The server is a replica set of one, which others know by HOST; VARIABLE tells the program its address.
 *
 * @module
 */

import { startMongod } from "./mongod.ts";
import { endGroup, spawnTied } from "./tied_process.ts";

const [host, variable, program, ...args] = Deno.args;
if (!host || !variable || !program) {
  console.error(
    "with_mongod.ts: give a host, a variable and a program: with_mongod.ts HOST VARIABLE PROGRAM",
  );
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
const server = await startMongod({ host, replicaSet: true });
let code = 130;
try {
  if (!interrupted.signal.aborted) {
    running = await spawnTied(program, args, { env: { [variable]: server.uri } });
    ({ code } = await running.status);
  }
} finally {
  await server.stop();
}
Deno.exit(code);
