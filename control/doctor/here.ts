import { statfs } from "node:fs";
import { dirname } from "node:path";
import { CommandError, errorText } from "../../agent/errors.ts";
import { isNotFound, readFileNow } from "../../agent/lib/read_file.ts";
import { type AgentHere, agentHere } from "../why/agent_here.ts";

/** What is known of the directory of the health files. */
export interface HealthFacts {
  readonly path: string;
  /** The agent that uses it, if that is alive or its lock is. */
  readonly agent: AgentHere | undefined;
  /** Why no file can be written there; undefined if one can. */
  readonly problem: string | undefined;
  /** What kind of file system it is on; undefined if that cannot be told. */
  readonly disk: Disk | undefined;
}

/** A file system. */
export interface Disk {
  /** Another machine keeps the files. */
  readonly isRemote: boolean;
  readonly freeBytes: number;
}

/** What the control file says. */
export interface ControlFacts {
  readonly path: string;
  /** Its content without blanks around it; undefined if there is no such file. */
  readonly content: string | undefined;
  /** Why it cannot be read. */
  readonly problem: string | undefined;
}

/** Looks at the directory. A file is made beside the agent's own and removed at once: no probe sees it. */
export async function healthFacts(path: string): Promise<HealthFacts> {
  const there = await existing(path);
  const agent = await agentHere(path);
  return { path, agent, problem: await writeProblem(there), disk: await diskOf(there) };
}

/** Reads the control file as the agent does. */
export async function controlFacts(path: string): Promise<ControlFacts> {
  try {
    const content = (await readFileNow(path, MAX_BYTES)).trim();
    return { path, content, problem: undefined };
  } catch (error) {
    return { path, content: undefined, problem: isNotFound(error) ? undefined : errorText(error) };
  }
}

/** The most that is read of the control file, in bytes: more than either word needs. */
const MAX_BYTES = 256;

/** The directory itself, or the nearest one above it that exists: the agent makes the rest. */
async function existing(path: string): Promise<string> {
  for (let each = path;; each = dirname(each)) {
    try {
      await Deno.stat(each);
      return each;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || each === dirname(each)) return each;
    }
  }
}

async function writeProblem(directory: string): Promise<string | undefined> {
  try {
    const file = await Deno.makeTempFile({ dir: directory, prefix: ".doctor-" });
    await Deno.remove(file);
  } catch (error) {
    return error instanceof CommandError ? error.message : errorText(error);
  }
}

/**
 * The numbers by which a kernel names file systems that another machine keeps: NFS, CIFS, SMB2, Ceph, AFS. Not 9P: sandboxes
 * and virtual machines have it for disks of their own machine.
 */
const REMOTE = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x00c36400, 0x5346414f]);

async function diskOf(directory: string): Promise<Disk | undefined> {
  const found = await new Promise<{ type: number; bavail: number; bsize: number } | undefined>((resolve) => {
    try {
      statfs(directory, (error, stats) => resolve(error ? undefined : stats));
    } catch {
      // The runtime lets this program ask only if its permissions cover it.
      resolve(undefined);
    }
  });
  return found && { isRemote: REMOTE.has(found.type), freeBytes: found.bavail * found.bsize };
}
