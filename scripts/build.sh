#!/bin/sh
# Compiles dist/pulling-agent; nothing, if nothing has changed. The same commit, tools and path of the checkout give the
# same bytes (`deno compile` writes the path of its cache into the executable); SOURCE_DATE_EPOCH is honoured.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
sh scripts/setup.sh --quiet --no-mongod
# shellcheck source=/dev/null
. ./.tools/env

# What the executable may do. `run` takes back at start what its settings do not need.
permissions="--allow-read --allow-write" # settings and secrets from files; health, status and control files anywhere
permissions="$permissions --allow-net"   # MongoDB, an HTTP processor, the metrics port
permissions="$permissions --allow-env"   # settings
permissions="$permissions --allow-sys"   # host name, as the owner of leases
permissions="$permissions --allow-run"   # Deno.kill (pause, resume) and the exec: processor

# The heap is bounded here because a compiled executable ignores DENO_V8_FLAGS: 256 MiB suits a container of 512.
v8_flags=--max-old-space-size=256,--max-semi-space-size=16

sources="main.ts agent health control deno.json deno.lock"
binary=dist/pulling-agent

say() { printf 'build: %s\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
if command -v sha256sum >/dev/null; then
  sha256() { sha256sum | cut -d' ' -f1; }
else
  sha256() { shasum -a 256 | cut -d' ' -f1; }
fi

[ -n "${DENO_COMPILER:-}" ] ||
  die "there is no denort to compile with: set DENORT_BIN to the denort of the Deno in use, or build where dl.deno.land is reachable."
for source in $sources; do
  [ -e "$source" ] || die "$source is missing: run this in a complete checkout."
done

compiler_version=$("$DENO_COMPILER" --version | sed -n '1s/^deno \([0-9.]*\).*/\1/p')
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# shellcheck disable=SC2086  # a list
if [ "$commit" != unknown ] && [ -n "$(git status --porcelain -- $sources)" ]; then commit=$commit-dirty; fi

# The sources alone, with one and the same time and under one name, so that nothing else gets into the executable.
stage=.tools/stage
locked=''
clean_up() { [ -z "$locked" ] || rm -rf "$stage" .tools/build.lock; }
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
waited=0
until mkdir .tools/build.lock 2>/dev/null; do
  holder=$(cat .tools/build.lock/pid 2>/dev/null || :)
  if { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; } || { [ -z "$holder" ] && [ "$waited" -ge 5 ]; }; then
    rm -rf .tools/build.lock
    continue
  fi
  [ "$waited" != 2 ] || say "waiting for another build (process ${holder:-unknown}) to finish"
  waited=$((waited + 1))
  sleep 1
done
locked=yes
echo $$ >.tools/build.lock/pid
rm -rf "$stage"
mkdir -p "$stage"
# shellcheck disable=SC2086
cp -R $sources "$stage"
find "$stage" -name '*_test.ts' -exec rm -f {} +
printf '{"commit":"%s","build":"%s"}\n' "$commit" "$PULLING_AGENT_BUILD" >"$stage/agent/build.json"
epoch=${SOURCE_DATE_EPOCH:-0}
stamp=$(date -u -d "@$epoch" +%Y%m%d%H%M.%S 2>/dev/null || date -u -r "$epoch" +%Y%m%d%H%M.%S)
find "$stage" -exec env TZ=UTC0 touch -t "$stamp" {} +

key=$(
  {
    cat scripts/build.sh
    printf '%s\n' "$epoch" "$compiler_version" "$PULLING_AGENT_BUILD" "${DENORT_BIN:-}"
    (cd "$stage" && find . -type f | LC_ALL=C sort | while IFS= read -r file; do printf '%s\n' "$file"; cat "$file"; done)
  } | sha256
)
if [ -f "$binary" ] && [ "$(cat .tools/build.key 2>/dev/null || :)" = "$key $(sha256 <"$binary")" ]; then
  say "$binary is up to date ($commit, Deno $compiler_version, $PULLING_AGENT_BUILD)"
  exit 0
fi

unused=''
if "$DENO_COMPILER" compile --help | grep -q -e --exclude-unused-npm; then unused=--exclude-unused-npm; fi

say "compiling $binary ($commit, Deno $compiler_version, $PULLING_AGENT_BUILD)"
mkdir -p dist
# shellcheck disable=SC2086
(cd "$stage" && RUST_MIN_STACK=33554432 "$DENO_COMPILER" compile --quiet --frozen --no-check --no-code-cache --no-prompt $unused \
  $permissions --v8-flags=$v8_flags --output pulling-agent main.ts) ||
  die "deno compile failed, as said above."
new=$(sha256 <"$stage/pulling-agent")
mv -f "$stage/pulling-agent" "$binary"
printf '%s %s\n' "$key" "$new" >"$stage/key"
mv -f "$stage/key" .tools/build.key
say "$binary: $(($(wc -c <"$binary") / 1048576)) MiB, SHA-256 $new"
