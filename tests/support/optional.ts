/**
 * Tests that need something the machine may lack.
 *
 * @module
 */

/** Something that some tests need and that may be missing. */
export interface Requirement {
  /** What the tests of it cover, as in `PID 1 tests`. */
  what: string;
  /** How it is missed, as in `unshare cannot make a PID namespace here`. */
  why: string;
  /** How to get it. */
  install: string;
  /** A command that succeeds if it is available. */
  probe: [string, ...string[]];
  /** Whether its tests are left out also with `REQUIRE_ALL=1`: they show one more example of what others test. */
  isExample?: boolean;
}

/**
 * Whether the tests of a requirement are to be left out (`ignore` of a test). If it is missing, one line reports that.
 * With `REQUIRE_ALL=1` nothing but an example is left out, and its tests fail.
 */
export async function isMissing(
  { what, why, install, probe, isExample = false }: Requirement,
): Promise<boolean> {
  if (await works(probe) || (!isExample && Deno.env.get("REQUIRE_ALL") === "1")) return false;
  console.log(`SKIP ${what}, ${why}, ${install}`);
  return true;
}

async function works([program, ...args]: [string, ...string[]]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output();
    return success;
  } catch {
    return false;
  }
}

/** Running the agent as the first process of a PID namespace, as a container does. */
export const PID_NAMESPACE: Requirement = {
  what: "tests of the agent as PID 1",
  why: "unshare cannot make a PID namespace here",
  install: "run them as root with util-linux installed (apt-get install util-linux)",
  probe: ["unshare", "--pid", "--fork", "--mount-proc", "true"],
};

/** Running the agent as another user, who has to reach its executable: root alone enters `/root`. */
export const OTHER_USER: Requirement = {
  what: "tests of the agent without root's rights",
  why: "setpriv cannot change the user here, or another user cannot run dist/pulling-agent",
  install:
    "run them as root, in a folder that all users may enter, with util-linux installed (apt-get install util-linux)",
  probe: [
    ...["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"] as const,
    ...["test", "-x", Deno.env.get("TEST_AGENT_BINARY") ?? "/"],
  ],
};

/** Mounting a file system of one's own. */
export const MOUNT_NAMESPACE: Requirement = {
  what: "tests of the agent on a read-only file system",
  why: "unshare cannot make a mount namespace here",
  install: "run them as root with util-linux installed (apt-get install util-linux)",
  probe: ["unshare", "--mount", "sh", "-c", "mount --bind / /mnt && mount -o remount,bind,ro /mnt"],
};
