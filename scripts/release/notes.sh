#!/bin/sh
# Writes what a release says and is made of: notes.sh VERSION FOLDER
#
#   FOLDER/notes.md                the section of CHANGELOG.md
#   FOLDER/pulling-agent.cdx.json  the packages in the executable, as CycloneDX
set -eu
cd "$(dirname -- "$0")/../.."
[ $# = 2 ] || { echo 'notes.sh: give the version and the folder' >&2; exit 2; }
# shellcheck source=/dev/null
. ./.tools/env
mkdir -p "$2"
"$DENO" run --quiet --allow-read scripts/release/changelog.ts "$1" >"$2/notes.md"
compiler=$("${DENO_COMPILER:-$DENO}" --version | sed -n '1s/^deno \([0-9.]*\).*/\1/p')
"$DENO" run --quiet --frozen --allow-read scripts/release/sbom.ts "$compiler" >"$2/pulling-agent.cdx.json"
