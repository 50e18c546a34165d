import type { MongoClient } from "mongodb";
import { cpuModel } from "../../bench/machine.ts";

/** The date, the machine and the versions of a run that is on. */
export async function conditionsOf(client: MongoClient, binary: string): Promise<Record<string, string>> {
  const { version } = await client.db("admin").command({ buildInfo: 1 });
  const { stdout } = await new Deno.Command(binary, { args: ["--version"] }).output();
  return {
    "Date": new Date().toISOString().slice(0, 10),
    "CPU": `${await cpuModel()}, ${navigator.hardwareConcurrency} cores, shared by agents and members`,
    "Memory": `${(Deno.systemMemoryInfo().total / 1024 ** 3).toFixed(0)} GiB`,
    "System": `${Deno.build.os} ${Deno.osRelease()}`,
    "MongoDB": `${version}, three members, cache of 0.25 GiB each`,
    "pulling-agent": new TextDecoder().decode(stdout).trim().replace("pulling-agent ", ""),
  };
}
