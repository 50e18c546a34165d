import { statfs } from "node:fs";
import { dirname } from "node:path";
import { CommandError, errorText } from "../../agent/errors.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";
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

/** A disk has this long to answer, in milliseconds: one of another machine may never do so. */
const DISK_MS = 3000;
const HUNG = `its disk has not answered within ${DISK_MS / 1000} s`;

/** Looks at the directory. A folder is made beside the agent's own files and removed at once: no probe sees it. */
export async function healthFacts(path: string, clock: Clock): Promise<HealthFacts> {
  const facts = await doneBy(askedFacts(path), { clock, limitMs: DISK_MS });
  return facts ?? { path, agent: undefined, problem: HUNG, disk: undefined };
}

async function askedFacts(path: string): Promise<HealthFacts> {
  const there = await existing(path);
  // The runtime opens files in its main thread, which a disk that hangs would stop: it has to make a folder first.
  const problem = await writeProblem(there);
  return { path, agent: await agentHere(path), problem, disk: await diskOf(there) };
}

/** Reads the control file as the agent does. */
export async function controlFacts(path: string, clock: Clock): Promise<ControlFacts> {
  const facts = await doneBy(readFacts(path), { clock, limitMs: DISK_MS });
  return facts ?? { path, content: undefined, problem: HUNG };
}

async function readFacts(path: string): Promise<ControlFacts> {
  try {
    await Deno.stat(path);
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
    const folder = `${directory}/.doctor-${crypto.randomUUID()}`;
    await Deno.mkdir(folder);
    await Deno.remove(folder);
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
