#!/bin/sh
# Runs a command from the root of the project with the tools of scripts/setup.sh, which it runs first if needed.
#
#   scripts/with_tools.sh [--no-mongod | --mongod-unless-uri] COMMAND ARGUMENTS...
#
# --no-mongod          the command needs no mongod
# --mongod-unless-uri  it needs one only if MONGODB_URI gives no other
set -eu
cd "$(dirname -- "$0")/.."
mongod=''
case ${1:-} in
  --no-mongod) mongod=--no-mongod; shift ;;
  --mongod-unless-uri) mongod=${MONGODB_URI:+--no-mongod}; shift ;;
esac
[ $# -gt 0 ] || { echo 'with_tools.sh: give the command to run' >&2; exit 2; }
sh scripts/setup.sh --quiet ${mongod:+"$mongod"}
# shellcheck source=/dev/null
. ./.tools/env
exec "$@"
