import config from "../deno.json" with { type: "json" };
import build from "./build.json" with { type: "json" };

/** What this program is, and what it is made of. */
export interface VersionInfo {
  version: string;
  commit: string;
  /** `official` (releases), `compat` (compiled with an older runtime), or `source`. */
  build: string;
  deno: string;
  driver: string;
}

/** Says what this program is. */
export function versionInfo(): VersionInfo {
  return {
    version: config.version,
    commit: build.commit,
    build: build.build,
    deno: Deno.version.deno,
    driver: config.imports.mongodb.split("@").at(-1)!,
  };
}

/** The same as one line for people. */
export function versionText(): string {
  const { version, commit, build, deno, driver } = versionInfo();
  const note = build === "compat" ? "; built with an older runtime, not a release" : "";
  return `pulling-agent ${version} (commit ${commit}, ${build} build, deno ${deno}, mongodb driver ${driver}${note})`;
}
