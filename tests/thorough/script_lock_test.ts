import { assertEquals } from "@std/assert";
import { TempDir } from "../support/temp_dir.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const SCRIPTS = 9;
const FILES = 300;

/** Fills the folder of its lock, as a build does, and looks whether all of it stays. Some are killed with their lock. */
const SCRIPT = `set -eu
say() { :; }
die() { echo "$*" >&2; exit 1; }
. scripts/lib.sh
clean_up_at_the_end ''
take_lock "$1/lock" test
mkdir "$1/lock/src"
n=0; while [ $n -lt ${FILES} ]; do echo $$ >"$1/lock/src/$n"; n=$((n + 1)); done
[ "$(cat "$1/lock/pid" "$1"/lock/src/* | sort | uniq -c | tr -s ' ')" = " ${
  FILES + 1
} $$" ] || die "not alone"
[ "$2" = ends ] || kill -9 $$
`;

Deno.test("Build: take_lock lets one script at a time have a folder, however slowly it is removed, and takes it over from those that are killed", async () => {
  await using dir = await TempDir.make();
  const runs = Array.from({ length: SCRIPTS }, (_, at) => {
    const args = ["-c", SCRIPT, "sh", dir.path, at % 3 === 2 ? "is killed" : "ends"];
    return new Deno.Command("sh", { args, cwd: ROOT, stdout: "null", stderr: "piped" }).output();
  });
  const ends = (await Promise.all(runs)).map(({ signal, code, stderr }) => [
    signal ?? code,
    new TextDecoder().decode(stderr),
  ]);
  assertEquals(
    ends,
    Array.from({ length: SCRIPTS }, (_, at) => [at % 3 === 2 ? "SIGKILL" : 0, ""]),
  );
});
