#!/bin/sh
# Installs what `make test` leaves tests out without, and REQUIRE_ALL=1 insists on: the containers' tools and shellcheck
# from Debian's packages (also tmux, Chromium and PostgreSQL), actionlint, typos, promtool, Prometheus and libfaketime
# under .tools/. What it cannot install it only names.
set -eu
cd "$(dirname -- "$0")/.."
# shellcheck source=scripts/versions.env
. scripts/versions.env

say() { printf 'ci_tools: %s\n' "$*" >&2; }
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
work=$(mktemp -d)
clean_up_at_the_end "$work"
log=$work/log

mkdir -p .tools/bin
if [ "$(.tools/bin/actionlint -version 2>/dev/null | head -n 1)" != "v$ACTIONLINT_VERSION" ]; then
  if ! command -v go >/dev/null; then
    say 'actionlint is left out: it is built with Go, which is not installed'
  elif ! GOBIN=$PWD/.tools/bin go install "github.com/rhysd/actionlint/cmd/actionlint@v$ACTIONLINT_VERSION" >"$log" 2>&1; then
    say "actionlint could not be built: $(tail -n 1 "$log")"
  fi
fi
if [ "$(.tools/bin/typos --version 2>/dev/null)" != "typos-cli $TYPOS_VERSION" ]; then
  printf 'typos==%s' "$TYPOS_VERSION" >"$work/requirements.txt"
  for digest in $TYPOS_WHEEL_SHA256; do printf ' --hash=sha256:%s' "$digest" >>"$work/requirements.txt"; done
  if python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --target "$work/typos" --requirement "$work/requirements.txt" >"$log" 2>&1; then
    mv "$work/typos/bin/typos" .tools/bin/typos
  else
    say "typos could not be installed with pip: $(tail -n 1 "$log")"
  fi
fi
if ! command -v promtool >/dev/null && [ ! -x .tools/bin/promtool ]; then
  # Unpacked, not installed: the package starts a server of its own.
  if ! command -v apt-get >/dev/null; then
    say 'promtool and prometheus are left out: install Prometheus'
  elif (cd "$work" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } &&
    dpkg-deb -x prometheus_*.deb prometheus) >"$log" 2>&1; then
    mv "$work/prometheus/usr/bin/prometheus" "$work/prometheus/usr/bin/promtool" .tools/bin/
  else
    say "promtool and prometheus could not be unpacked from Debian's package: $(tail -n 1 "$log")"
  fi
fi
if ! [ -f .tools/lib/libfaketimeMT.so.1 ] && ! ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; then
  # Unpacked, likewise.
  if ! command -v apt-get >/dev/null; then
    say 'libfaketime is left out: install it'
  elif (cd "$work" && { apt-get download -qq libfaketime || { apt-get update -qq && apt-get download -qq libfaketime; }; } &&
    dpkg-deb -x libfaketime_*.deb faketime) >"$log" 2>&1; then
    mkdir -p .tools/lib
    mv "$work"/faketime/usr/lib/*/faketime/libfaketimeMT.so.1 .tools/lib/
  else
    say "libfaketime could not be unpacked from Debian's package: $(tail -n 1 "$log")"
  fi
fi

missing() {
  for tool in podman buildah runc shellcheck tmux chromium; do
    command -v "$tool" >/dev/null || printf ' %s' "$tool"
  done
  # Debian has the server's programs in no directory of PATH.
  command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || printf ' postgresql'
}
missing=$(missing)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "missing:$missing; install them as root: apt-get install$missing"
  exit 0
fi
say "installing$missing"
export DEBIAN_FRONTEND=noninteractive
case $missing in
  *postgresql*)
    # The package would make and start a server of its own.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    ;;
esac
# A file that was removed by hand comes back by --reinstall only.
# shellcheck disable=SC2086  # a list
install() { apt-get install -qq -y --no-install-recommends --reinstall -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 $missing >"$log" 2>&1; }
install || { apt-get update -qq >"$log" 2>&1 && install; } || {
  say "apt-get could not install$missing:"
  tail -n 5 "$log" >&2
  exit 1
}
missing=$(missing)
[ -z "$missing" ] || say "still missing after apt-get install:$missing"
