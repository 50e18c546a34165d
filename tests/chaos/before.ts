/**
 * The executable of an earlier version, built from its commit.
 *
 * @module
 */

import { exists } from "@std/fs/exists";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
/** Executables are kept here: a commit never changes. */
const KEPT = `${ROOT}/.tools/before`;

/** Gives the folder `$1` what set-up has downloaded for this one. */
const SHARE_DOWNLOADS = `
mkdir -p "$1/.tools/deno_dir"
for part in dl jsr python deno_dir/dl deno_dir/npm deno_dir/remote; do
  if [ -d ".tools/$part" ]; then cp -R ".tools/$part" "$1/.tools/$part"; fi
done`;

/** The tag of the last release; undefined if there is none, or no git to ask. */
export async function lastRelease(): Promise<string | undefined> {
  return await run("git", ["describe", "--tags", "--abbrev=0", "--match", "v*"]).catch(() => undefined);
}

/**
 * Builds the executable of a commit, unless that was done before; returns its path.
 *
 * @throws {Error} if there is no such commit, or if it cannot be built
 */
export async function binaryOf(commit: string): Promise<string> {
  const hash = await run("git", ["rev-parse", "--verify", `${commit}^{commit}`]);
  const kept = `${KEPT}/${hash}`;
  if (await exists(kept)) return kept;
  const scratch = await newScratchDir("before");
  const worktree = `${scratch}/source`;
  try {
    await run("git", ["worktree", "add", "--quiet", "--detach", worktree, hash]);
    // Nothing need be downloaded that is here already.
    await run("sh", ["-euc", SHARE_DOWNLOADS, "sh", worktree]);
    await run("sh", ["scripts/build.sh"], worktree);
    await Deno.mkdir(KEPT, { recursive: true });
    await Deno.copyFile(`${worktree}/dist/pulling-agent`, `${kept}.new`);
    await Deno.rename(`${kept}.new`, kept);
    return kept;
  } finally {
    await run("git", ["worktree", "remove", "--force", worktree]).catch(() => {});
    await removeScratchDir(scratch);
  }
}

async function run(program: string, args: string[], cwd = ROOT): Promise<string> {
  const { stderr, stdout, success } = await new Deno.Command(program, { args, cwd }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim();
}
