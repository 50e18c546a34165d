# mongod: sets $mongod, its $mongod_version and $mongod_source. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154

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
  if offline_mongod "$digest" "$mongod"; then return 0; fi
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
