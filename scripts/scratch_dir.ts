/**
 * Temporary directories that do not pile up, even when their owner was killed.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import process from "node:process";

const PREFIX = "pulling-agent-";
/** Where Linux keeps files in memory. */
const IN_MEMORY = "/dev/shm";
/** Below so much room there, and so much free memory, what is large goes to the disk: containers have 64 MiB. In bytes. */
const ROOM = 4 * 1024 ** 3;

/**
 * Makes a temporary directory for `purpose`, and first removes those whose owners died without doing so.
 *
 * @param parent where; by default the directory of the system for temporary files
 */
export async function newScratchDir(purpose: string, parent?: string): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: `${PREFIX}${purpose}-`, ...(parent && { dir: parent }) });
  await Deno.writeTextFile(
    `${dir}.owner`,
    JSON.stringify({ pid: Deno.pid, namespace: await pidNamespace() }),
  );
  await removeOrphans(dir.slice(0, dir.lastIndexOf("/")));
  return dir;
}

/** A place for scratch directories that is in memory; undefined if there is none, or too little room or memory. */
export async function placeInMemory(): Promise<string | undefined> {
  try {
    await removeOrphans(IN_MEMORY);
    const { bavail, bsize } = await statfs(IN_MEMORY);
    const free = /^MemAvailable:\s+(\d+) kB$/m.exec(await Deno.readTextFile("/proc/meminfo"))?.[1];
    return Math.min(bavail * bsize, 1024 * Number(free)) >= ROOM ? IN_MEMORY : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a directory made by {@linkcode newScratchDir}; quiet if it is gone. */
export async function removeScratchDir(dir: string): Promise<void> {
  for (const path of [dir, `${dir}.owner`]) {
    try {
      await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function removeOrphans(parent: string): Promise<void> {
  const namespace = await pidNamespace();
  for await (const { name } of Deno.readDir(parent)) {
    if (!name.startsWith(PREFIX) || !name.endsWith(".owner")) continue;
    try {
      const owner = JSON.parse(await Deno.readTextFile(`${parent}/${name}`));
      // Containers may share the directory but not the process ids: if an owner cannot be seen, its directory is left
      // alone.
      if (owner.namespace !== namespace || isAlive(owner.pid)) continue;
      await removeScratchDir(`${parent}/${name.slice(0, -".owner".length)}`);
    } catch {
      // Another process is writing or removing it: this one leaves it alone.
    }
  }
}

async function pidNamespace(): Promise<string> {
  try {
    return await Deno.readLink("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "ESRCH";
  }
}
