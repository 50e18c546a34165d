import type { Bench } from "./bench.ts";
import { cpuMs } from "./proc.ts";

/** What the server has done since its start. */
interface Work {
  commands: number;
  cpuMs: number;
}

/** The cost of a piece of work for the server, per document. */
export interface ServerCost {
  commandsPerDocument: number;
  cpuMsPerThousand: number;
}

/** The commands that clients send for documents, without those by which drivers follow the server's state. */
const COUNTED = [
  ...["find", "getMore", "aggregate", "count", "distinct"],
  ...["insert", "update", "delete", "findAndModify", "bulkWrite"],
  ...["commitTransaction", "abortTransaction"],
];

/** Runs `work` and returns its cost for the server, per document of `documents`. */
export async function costOf<T>(
  bench: Bench,
  documents: number,
  work: () => Promise<T>,
): Promise<{ result: T; cost: ServerCost }> {
  const before = await workOf(bench);
  const result = await work();
  const after = await workOf(bench);
  return {
    result,
    cost: {
      commandsPerDocument: (after.commands - before.commands) / documents,
      cpuMsPerThousand: (after.cpuMs - before.cpuMs) / documents * 1000,
    },
  };
}

async function workOf({ client, server }: Bench): Promise<Work> {
  const { metrics } = await client.db("admin").command({ serverStatus: 1 });
  const commands = COUNTED.reduce((sum, name) => sum + Number(metrics.commands[name]?.total ?? 0), 0);
  return { commands, cpuMs: await cpuMs(server.pid) };
}
