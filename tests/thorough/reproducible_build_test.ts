import { assertEquals, assertMatch } from "@std/assert";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Runs a script of the shell; its standard output. */
async function sh(script: string, args: string[] = [], cwd: string = ROOT): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-euc", script, "sh", ...args],
    cwd,
    // What a caller may have set by hand must not make the two alike.
    env: { TMPDIR: cwd },
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${script}\nfailed in ${cwd}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

/** A repository that holds what this folder holds now, with uncommitted changes, and does not change with it. */
async function snapshot(into: string): Promise<void> {
  await sh(
    `git clone --quiet --no-hardlinks . "$1"
     git ls-files -z --deleted | (cd "$1" && xargs -0 rm -f --)
     git ls-files -z --modified --others --exclude-standard | xargs -0 sh -c '
       target=$0; for file; do if [ -e "$file" ]; then mkdir -p "$target/$(dirname "$file")"; cp "$file" "$target/$file"; fi; done
     ' "$1"
     cd "$1"
     git add --all
     git -c user.name=test -c user.email=test@example.com commit --quiet --allow-empty --no-verify --message snapshot`,
    [into],
  );
}

/** A clone that need not download its tools again. */
async function clone(from: string, into: string): Promise<void> {
  await sh(`git clone --quiet --no-hardlinks "$1" "$2"`, [from, into]);
  await sh(
    `mkdir -p "$1/.tools/dl" "$1/.tools/deno_dir"
     for tool in .tools/dl/*; do ln -s "$PWD/$tool" "$1/.tools/dl/"; done
     if [ -d .tools/jsr ]; then cp -R .tools/jsr "$1/.tools/"; fi
     for part in dl npm remote; do
       if [ -d ".tools/deno_dir/$part" ]; then cp -R ".tools/deno_dir/$part" "$1/.tools/deno_dir/"; fi
     done`,
    [into],
  );
}

/** Builds a clone; the executable's SHA-256. */
async function build(folder: string): Promise<string> {
  await sh("sh scripts/build.sh", [], folder);
  const bytes = await Deno.readFile(`${folder}/dist/pulling-agent`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

const ignore = await isMissing({
  what: "tests of builds from two clones",
  why: "this is not a git checkout",
  install: "get it with git clone",
  probe: ["git", "-C", ROOT, "rev-parse", "HEAD"],
});

Deno.test({
  name: "Build: two clones in different folders build the same executable, byte for byte",
  ignore,
  fn: testTwoClones,
});

async function testTwoClones(): Promise<void> {
  await using dir = await TempDir.make();
  const folders = [`${dir.path}/one`, `${dir.path}/another one, with a longer path/of more folders`];
  const origin = `${dir.path}/origin`;
  await snapshot(origin);
  const digests: string[] = [];
  for (const folder of folders) {
    await clone(origin, folder);
    digests.push(await build(folder));
  }
  assertEquals(digests[1], digests[0]);

  // Were nothing compiled from the sources, they would be alike as well.
  const source = `${folders[0]}/main.ts`;
  await Deno.writeTextFile(source, "export const changed = 1;\n", { append: true });
  assertEquals(
    await build(folders[0]!) === digests[0],
    false,
    "a change of the sources changes the executable",
  );

  const version = await sh("dist/pulling-agent --version", [], folders[1]);
  assertMatch(version, new RegExp(`commit ${await sh("git rev-parse --short=12 HEAD", [], folders[1])}`));
}
