#!/bin/sh
# Prints `version=1.2.3` for the tag v1.2.3, if that is the version of deno.json: version.sh TAG
set -eu
cd "$(dirname -- "$0")/../.."
tag=${1:?'version.sh: give the tag, such as v1.2.3'}
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' deno.json)
[ "$tag" = "v$version" ] || {
  echo "version.sh: the tag is $tag, but deno.json says version $version: tag v$version, or change deno.json" >&2
  exit 1
}
echo "version=$version"
