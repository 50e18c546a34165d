import type { Bench } from "./bench.ts";
import { cpuMs } from "./proc.ts";

/** What a server has done since it was asked to count. */
export interface Work {
  commands: number;
  cpuMs: number;
  /** Bytes of its log, by which it recovers and feeds other members. */
  logBytes: number;
}

/** A server whose work is counted. */
export interface CountedServer {
  /** Begins to count. The function that it returns ends that, and returns what was done meanwhile. */
  count(): Promise<() => Promise<Work>>;
}

/** The cost of a piece of work for the server, per document. */
export interface ServerCost {
  commandsPerDocument: number;
  cpuMsPerThousand: number;
  /** Of MongoDB's oplog, or of PostgreSQL's write-ahead log. Missing in figures that are older than it. */
  logBytesPerDocument?: number;
}

/** The commands that clients send for documents, without those by which drivers follow the server's state. */
const COUNTED = [
  ...["find", "getMore", "aggregate", "count", "distinct"],
  ...["insert", "update", "delete", "findAndModify", "bulkWrite"],
  ...["commitTransaction", "abortTransaction"],
];

/** Runs `work` and returns its cost for the server, per document of `documents`. */
export async function costOf<T>(
  server: CountedServer,
  documents: number,
  work: () => Promise<T>,
): Promise<{ result: T; cost: ServerCost }> {
  const end = await server.count();
  const result = await work();
  const { commands, cpuMs, logBytes } = await end();
  return {
    result,
    cost: {
      commandsPerDocument: commands / documents,
      cpuMsPerThousand: cpuMs / documents * 1000,
      logBytesPerDocument: logBytes / documents,
    },
  };
}

/** The MongoDB server of the benchmark. */
export function mongoServer(bench: Bench): CountedServer {
  return {
    async count() {
      const oplog = bench.client.db("local").collection("oplog.rs");
      const last = await oplog.findOne({}, { sort: { $natural: -1 }, projection: { ts: 1 } });
      const before = await workOf(bench);
      return async () => {
        const after = await workOf(bench);
        // Summed up at the end: that is work of the server's as well.
        const [sum] = await oplog.aggregate([
          { $match: { ts: { $gte: last!.ts } } },
          {
            $group: {
              _id: null,
              first: { $min: "$ts" },
              bytes: { $sum: { $cond: [{ $gt: ["$ts", last!.ts] }, { $bsonSize: "$$ROOT" }, 0] } },
            },
          },
        ]).toArray();
        if (!last!.ts.equals(sum?.first)) {
          throw new Error(
            "The oplog has dropped entries of the run, so they cannot be counted: make it larger",
          );
        }
        return {
          commands: after.commands - before.commands,
          cpuMs: after.cpuMs - before.cpuMs,
          logBytes: sum!.bytes,
        };
      };
    },
  };
}

async function workOf({ client, server }: Bench): Promise<Pick<Work, "commands" | "cpuMs">> {
  const { metrics } = await client.db("admin").command({ serverStatus: 1 });
  const commands = COUNTED.reduce((sum, name) => sum + Number(metrics.commands[name]?.total ?? 0), 0);
  return { commands, cpuMs: await cpuMs(server.pid) };
}
