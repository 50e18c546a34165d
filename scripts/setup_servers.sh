#!/bin/sh
# shellcheck disable=SC2154  # the files of setup/ set what they find
# Puts the versions of mongod that `deno task test:servers` tests against under .tools/, and prints one line for each that
# runs here: its version and its path. It says why it leaves one out.
#
#   scripts/setup_servers.sh [VERSION...]
#
# Versions and digests stand in versions.env. OFFLINE=1 asks the package registries alone.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
tools=$root/.tools

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup_servers.sh: %s\n' "$*" >&2; exit 1; }

for file in scripts/lib.sh scripts/versions.env offline/versions.env scripts/setup/common.sh scripts/setup/mongod.sh \
  scripts/setup/servers.sh offline/registries.sh; do
  # shellcheck source=/dev/null
  . "$root/$file"
done

mkdir -p "$tools/dl" "$tools/tmp"
tmp=$tools/tmp/$$
clean_up_at_the_end "$tmp"
take_lock "$tools/servers.lock" 'set-up of servers'
mkdir -p "$tmp"

[ $# -gt 0 ] || eval "set -- $SERVER_VERSIONS"
for version; do
  if find_server "$version"; then
    printf '%s %s\n' "$version" "$mongod"
  else
    say "mongod $version is left out: $why"
  fi
done
