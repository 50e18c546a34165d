import type { TempDir } from "./temp_dir.ts";

/** A database that `make dev` is to work on. */
export interface DevTarget {
  uri: string;
  name: string;
}

/**
 * Runs `make dev` to its end on a file with these lines, in the collection `documents`.
 *
 * @param module the source of the processor
 */
export async function makeDev(
  { uri, name }: DevTarget,
  dir: TempDir,
  lines: object[],
  { module = "export default () => ({ set: { seen: true } });", env = {} }: {
    module?: string;
    env?: Record<string, string>;
  } = {},
): Promise<{ code: number; output: string }> {
  const FILE = await dir.write("documents.json", lines.map((line) => JSON.stringify(line)).join("\n"));
  const script = new URL("../../scripts/dev.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script],
    env: {
      NO_COLOR: "1",
      FILE,
      MONGODB_URI: uri,
      MONGODB_DATABASE: name,
      MONGODB_COLLECTION: "documents",
      HEALTH_DIR: `${dir.path}/health`,
      CONTROL_FILE: `${dir.path}/control/state`,
      PROCESSOR: `module:${await dir.write("processor.js", module)}`,
      ...env,
    },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
