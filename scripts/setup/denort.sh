# The compiler and denort, the runtime that it puts into an executable: sets $compiler, $denort (empty if the compiler
# downloads it itself), $build and $denort_source. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2034,SC2154

try_compile() { # COMPILER [DENORT]: compiles and runs a program; leaves the version that the program tells in $runs
  echo 'console.log(Deno.version.deno);' >"$tmp/try.ts"
  rm -f "$tmp/try"
  (cd "$tmp" && limit 300 env DENO_DIR="$tools/deno_dir" ${2:+DENORT_BIN="$2"} "$1" compile --quiet --no-check --no-lock --no-config --no-code-cache -o try try.ts) >"$tmp/log" 2>&1 || return 1
  runs=$("$tmp/try" 2>"$tmp/log") || return 1
  case $runs in *[!0-9.]* | '') return 1 ;; esac
}

find_denort() {
  compiler=$deno denort='' build=official
  if [ -n "${DENORT_BIN:-}" ]; then
    denort=$(absolute "$DENORT_BIN") denort_source='given by DENORT_BIN'
    [ -f "$denort" ] || die "DENORT_BIN=$DENORT_BIN is not a file: give the path of the denort of Deno $version, or unset it."
    try_compile "$deno" "$denort" ||
      die "DENORT_BIN=$DENORT_BIN does not make a program that runs: give the path of the denort of Deno $version, or unset it."
    [ "$runs" = "$version" ] ||
      die "DENORT_BIN=$DENORT_BIN is of Deno $runs, the compiler is Deno $version: give the denort of the same version, or unset it."
    return 0
  fi
  denort_source="the official one of Deno $version"
  why='OFFLINE is set'
  # Deno's own download has no short limit for connecting: see first whether anything answers there.
  if [ -z "${OFFLINE:-}" ] && { ls "$tools"/deno_dir/dl/release/v"$version"/denort-* >/dev/null 2>&1 ||
    download "https://dl.deno.land/release/v$version/" "$tmp/answer" || is_answer "$why"; } &&
    try_compile "$deno" '' && [ "$runs" = "$version" ]; then return 0; fi
  if offline_denort; then return 0; fi
  say "the executable cannot be built here: denort of Deno $version cannot be downloaded, and $why; set DENORT_BIN to its path"
  compiler='' denort='' build='' denort_source="missing: $why" complete=''
}
is_answer() { case $1 in *'returned error'*) return 0 ;; *) return 1 ;; esac; } # the server answered, if with an error
