/** Asks `pulling-agent why` about documents, and does what it advises. */

import { assertEquals } from "@std/assert";
import type { AgentHome, CommandResult } from "./agent_home.ts";
import type { TestDatabase } from "./mongod.ts";
import { mongosh } from "./mongosh.ts";

/** What `why` has printed. */
export interface Told extends CommandResult {
  /** The commands that it advises, in their order. */
  mends: { tool: "mongosh" | "a shell"; command: string }[];
}

/** Asks about the document with an id, as it is typed. */
export async function why(
  home: AgentHome,
  id: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string | undefined> } = {},
): Promise<Told> {
  const result = await home.runWith({ args: ["why", ...args, "--", id], env });
  const mends = result.stdout.matchAll(/^ {2}In (mongosh|a shell): (.*)$/gm).map(([, tool, command]) => ({
    tool: tool as "mongosh" | "a shell",
    command: command!,
  }));
  return { ...result, mends: [...mends] };
}

/** Runs the commands that `why` has advised, as they are printed. */
export async function mend(
  home: AgentHome,
  { client }: TestDatabase,
  { mends, stdout }: Told,
): Promise<void> {
  for (const { tool, command } of mends) {
    if (tool === "mongosh") {
      await mongosh(client, command);
      continue;
    }
    // The shell finds the executable under its name, as in the image.
    const script =
      'mkdir -p "$0/bin" && ln -sf "$2" "$0/bin/pulling-agent" && PATH="$0/bin:$PATH" && eval "$1"';
    const { code, stderr } = await home.runWith({ wrapper: ["sh", "-c", script, home.dir, command] });
    assertEquals(code, 0, `${command}: ${stderr}\n${stdout}`);
  }
}
