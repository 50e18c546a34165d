#!/bin/sh
# Installs what `make test` leaves tests out without, and REQUIRE_ALL=1 insists on: the containers' tools and shellcheck.
# Where this is not root on a system with apt-get it only says what is missing.
set -eu

missing=''
for tool in podman buildah runc shellcheck; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0
say() { printf 'ci_tools: %s\n' "$*" >&2; }
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "missing:$missing; install them as root: apt-get install$missing"
  exit 0
fi
say "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # a list
install() { apt-get install -qq -y --no-install-recommends $missing >"$log" 2>&1; }
install || { apt-get update -qq >"$log" 2>&1 && install; } || {
  say "apt-get could not install$missing: $(tail -n 1 "$log")"
  exit 1
}
