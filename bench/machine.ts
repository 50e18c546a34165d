import type { Bench } from "./bench.ts";
import { BINARY } from "./agent.ts";
import type { Conditions } from "./report.ts";
import packages from "./programs/packages.json" with { type: "json" };
import config from "../deno.json" with { type: "json" };
import { ROOT } from "./bench.ts";
import { postgresVersion } from "./postgres.ts";
import { runToEnd } from "./programs.ts";

/** The conditions of measurements that begin now. */
export async function describeRun({ client }: Bench): Promise<Conditions> {
  const { version } = await client.db("admin").command({ buildInfo: 1 });
  const requirements = (await Deno.readTextFile(`${ROOT}/bench/requirements.txt`)).trim().split("\n");
  const python = await runToEnd("python3", ["--version"]).catch(() => "none");
  const specifiers = [config.imports.mongodb, ...Object.values(packages)];
  return {
    "Date": new Date().toISOString().slice(0, 10),
    "CPU": `${await cpuModel()}, ${navigator.hardwareConcurrency} cores, shared by worker and database`,
    "Memory": `${(Deno.systemMemoryInfo().total / 1024 ** 3).toFixed(0)} GiB`,
    "System": `${Deno.build.os} ${Deno.osRelease()}`,
    "MongoDB": `${version}, replica set of one, cache of 0.5 GiB`,
    "PostgreSQL": await postgresVersion() ?? "none",
    "pulling-agent": (await runToEnd(BINARY, ["--version"])).trim().replace("pulling-agent ", ""),
    "TypeScript programs": `Deno ${Deno.version.deno}, ${specifiers.join(", ").replaceAll("npm:", "")}`,
    "Python programs": `${python.trim().replace("Python ", "")}, ${
      requirements.join(", ").replaceAll("==", " ")
    }`,
  };
}

/** The name of the processor. */
export async function cpuModel(): Promise<string> {
  const info = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return /^model name\s*: (.*)$/m.exec(info)?.[1] ?? Deno.build.arch;
}
