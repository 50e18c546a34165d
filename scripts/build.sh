#!/bin/sh
# Compiles dist/pulling-agent; nothing, if nothing has changed. The same commit and tools give the same bytes in any
# folder; SOURCE_DATE_EPOCH is honoured. COMMIT names the commit if there is no git to ask.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
sh scripts/setup.sh --quiet --no-mongod
# shellcheck source=/dev/null
. ./.tools/env

# What the executable may do; docs/security.md says why each, and why no less.
permissions="--allow-read --allow-write" # settings name files anywhere: processor, secrets, CA; health and control files
permissions="$permissions --allow-net"   # MongoDB, and all that a processor calls
permissions="$permissions --allow-env"   # settings, and those of processors and of the driver
permissions="$permissions --allow-sys=hostname,osRelease,uid,gid,osUptime" # owner of leases; what the driver tells the server; ages
permissions="$permissions --allow-run"   # Deno.kill, for pause and resume; `run` gives it back before anything else
permissions="$permissions --deny-ffi --deny-import"

# The heap is bounded here because a compiled executable ignores DENO_V8_FLAGS: 256 MiB suits a container of 512. Of the
# 16 MiB that are alive V8 would go over all again at 25; letting them double first saves a tenth of the agent's CPU, and
# a small young generation gives back the memory that costs.
v8_flags=--max-old-space-size=256,--max-semi-space-size=4,--heap-growing-percent=100

sources="main.ts agent health control deno.json deno.lock"
binary=dist/pulling-agent

say() { printf 'build: %s\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

[ -n "${DENO_COMPILER:-}" ] ||
  die "there is no denort to compile with: set DENORT_BIN to the denort of the Deno in use, or build where dl.deno.land is reachable."
for source in $sources; do
  [ -e "$source" ] || die "$source is missing: run this in a complete checkout."
done

compiler_version=$("$DENO_COMPILER" --version | sed -n '1s/^deno \([0-9.]*\).*/\1/p')
if commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
  # shellcheck disable=SC2086  # a list
  if [ -n "$(git status --porcelain -- $sources)" ]; then commit=$commit-dirty; fi
else
  commit=${COMMIT:-unknown}
fi
case $commit in *[!0-9A-Za-z._-]*) die "COMMIT=$commit is no name of a commit: give letters, digits, dots, dashes." ;; esac

# `deno compile` writes the paths of the sources and of its cache into the executable, with symbolic links resolved: both
# are copied to one place that is the same on every machine. Only its maker can write there, and it is the lock, too.
place=/tmp/pulling-agent-build
stage=$place/src
clean_up_at_the_end ''
take_lock "$place" build
mkdir "$stage"
# shellcheck disable=SC2086
cp -R $sources "$stage"
find "$stage" -name '*_test.ts' -exec rm -f {} +
printf '{"commit":"%s","build":"%s"}\n' "$commit" "$PULLING_AGENT_BUILD" >"$stage/agent/build.json"
epoch=${SOURCE_DATE_EPOCH:-0}
stamp=$(date -u -d "@$epoch" +%Y%m%d%H%M.%S 2>/dev/null || date -u -r "$epoch" +%Y%m%d%H%M.%S)
find "$stage" -exec env TZ=UTC0 touch -t "$stamp" {} +

key=$(
  {
    cat scripts/build.sh scripts/bundle_maps.ts scripts/bundle_page.ts
    printf '%s\n' "$epoch" "$compiler_version" "$PULLING_AGENT_BUILD" "${DENORT_BIN:-}"
    (cd "$stage" && find . -type f | LC_ALL=C sort | while IFS= read -r file; do printf '%s\n' "$file"; cat "$file"; done)
  } | sha256
)
if [ -f "$binary" ] && [ "$(cat .tools/build.key 2>/dev/null || :)" = "$key $(sha256 <"$binary")" ]; then
  say "$binary is up to date ($commit, Deno $compiler_version, $PULLING_AGENT_BUILD)"
  exit 0
fi

say "compiling $binary ($commit, Deno $compiler_version, $PULLING_AGENT_BUILD)"
# The packages: fetched into the cache of the checkout, where they stay, then copied.
case ${JSR_URL:-} in
  file://*)
    registry=$(printf '%s' "${JSR_URL#file://}" | sed 's/%20/ /g; s/%23/#/g; s/%3F/?/g; s/%25/%/g')
    cp -R "$registry" "$place/jsr"
    export JSR_URL="file://$place/jsr/"
    ;;
esac
(cd "$stage" && "$DENO_COMPILER" cache --quiet --frozen main.ts control/dashboard/page/page.tsx) || die "the packages could not be had, as said above."
mkdir "$place/cache"
for part in dl npm remote; do
  [ ! -d "$DENO_DIR/$part" ] || cp -R "$DENO_DIR/$part" "$place/cache"
done

# The page of the dashboard is a bundle of its own, for browsers: text in a module that only the dashboard loads.
DENO_DIR=$place/cache "$DENO_COMPILER" run --quiet --frozen --allow-all scripts/bundle_page.ts "$stage" >"$place/page.json" ||
  die "the page of the dashboard could not be bundled, as said above."
mv "$place/page.json" "$stage/control/dashboard/page.json"
# One bundle, split where `main.ts` imports late: it loads in half the time of two hundred files, and of the packages only
# what is used comes along. The maps keep the names of the sources in stack traces.
(cd "$stage" && DENO_DIR=$place/cache "$DENO_COMPILER" bundle --quiet --frozen --platform deno --code-splitting \
  --sourcemap=external --outdir "$place/bundle" main.ts) || die "deno bundle failed, as said above."
"$DENO_COMPILER" run --quiet --frozen --allow-read="$place/bundle" --allow-write="$place/bundle" \
  scripts/bundle_maps.ts "$place/bundle" || die "the source maps could not be put into the bundle, as said above."
# The bundler's own executable is fetched once.
for tool in "$place"/cache/dl/esbuild-*; do
  [ ! -d "$tool" ] || [ -d "$DENO_DIR/dl/${tool##*/}" ] || cp -R "$tool" "$DENO_DIR/dl"
done
find "$place/bundle" "$place/cache" "$place/jsr" -exec env TZ=UTC0 touch -t "$stamp" {} + 2>/dev/null || :

mkdir -p dist
# shellcheck disable=SC2086
(cd "$place/bundle" && DENO_DIR=$place/cache RUST_MIN_STACK=33554432 \
  "$DENO_COMPILER" compile --quiet --no-config --no-lock --no-npm --no-remote --no-check --no-code-cache --no-prompt \
  $permissions --v8-flags=$v8_flags --output "$place/pulling-agent" main.js) ||
  die "deno compile failed, as said above."
new=$(sha256 <"$place/pulling-agent")
cp "$place/pulling-agent" "$binary.$$" # /tmp may be another file system: copied, then moved in one step
chmod 755 "$binary.$$" # for any umask: it runs as another user in the image
mv -f "$binary.$$" "$binary"
printf '%s %s\n' "$key" "$new" >"$place/key"
mv -f "$place/key" .tools/build.key
say "$binary: $(($(wc -c <"$binary") / 1048576)) MiB, SHA-256 $new"
