import { getHeapStatistics } from "node:v8";
import config from "../deno.json" with { type: "json" };
import build from "./build.json" with { type: "json" };

/** The build of this program. */
export interface VersionInfo {
  version: string;
  commit: string;
  /** `official` (releases), `compat` (compiled with an older runtime), or `source`. */
  build: string;
  deno: string;
  driver: string;
  /** What the objects of JavaScript may take at most, in MiB: fixed when the executable is compiled. */
  heapLimitMiB: number;
}

/** Returns the build of this program. */
export function versionInfo(): VersionInfo {
  return {
    version: config.version,
    commit: build.commit,
    build: build.build,
    deno: Deno.version.deno,
    driver: config.imports.mongodb.split("@").at(-1)!,
    heapLimitMiB: Math.round(getHeapStatistics().heap_size_limit / 2 ** 20),
  };
}

/** The same as one line for people. */
export function versionText(): string {
  const { version, commit, build, deno, driver, heapLimitMiB } = versionInfo();
  const note = build === "compat" ? "; built with an older runtime, not a release" : "";
  const parts = [
    `commit ${commit}`,
    `${build} build`,
    `deno ${deno}`,
    `mongodb driver ${driver}`,
    `heap limit ${heapLimitMiB} MiB`,
  ];
  return `pulling-agent ${version} (${parts.join(", ")}${note})`;
}
