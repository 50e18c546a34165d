# More versions of mongod, to test against: `find_server VERSION` sets $mongod, or $why it is not to be had. Sourced by
# setup_servers.sh.
# shellcheck shell=sh disable=SC2034,SC2154

server_pin() { # NAME VERSION: its value for this platform, if any
  eval "printf '%s' \"\${SERVER_$1_$(printf '%s' "$2" | tr . _)_$platform:-}\""
}

find_server() { # VERSION
  mongod=$tools/dl/mongod-$1/mongod
  if [ -x "$mongod" ] && [ "$(version_of "$mongod")" = "$1" ]; then return 0; fi
  why="none is pinned for $(uname -s) on $(uname -m)"
  if [ -n "$(server_pin URL "$1")" ]; then
    server_archive "$1" || return 1
  else
    digest=$(server_pin SHA256 "$1")
    [ -n "$digest" ] && offline_server "$1" "$digest" "$tmp/server-$1" || return 1
  fi
  server_runs "$1" || return 1
}

server_archive() { # VERSION: from its makers
  say "downloading mongod $1 from its makers"
  download "$(server_pin URL "$1")" "$tmp/server.tgz" &&
    take_if_pinned "$(server_pin ARCHIVE_SHA256 "$1")" "$tmp/pinned.tgz" "$tmp/server.tgz" || return 1
  why='the archive does not hold the program'
  mkdir -p "$tmp/server"
  tar -xzf "$tmp/pinned.tgz" -C "$tmp/server" 2>"$tmp/log" || return 1
  for file in "$tmp"/server/mongodb-*/bin/mongod; do mv "$file" "$tmp/server-$1" || return 1; done
  rm -rf "$tmp/server" "$tmp/pinned.tgz"
}

# Puts it into its place; behind a script that names its libraries if it needs older ones than this machine has.
server_runs() { # VERSION
  mkdir -p "$tools/dl/mongod-$1"
  chmod 755 "$tmp/server-$1"
  if [ -z "$(version_of "$tmp/server-$1")" ]; then
    case $(LC_ALL=C ldd "$tmp/server-$1" 2>/dev/null) in
      *'libssl.so.1.1 => not found'*) find_old_openssl || return 1 ;;
      *) why='it does not run on this machine'; return 1 ;;
    esac
    mv -f "$tmp/server-$1" "$tools/dl/mongod-$1/mongod.real"
    {
      echo '#!/bin/sh'
      echo "LD_LIBRARY_PATH=$(quoted "$old_openssl") exec $(quoted "$tools/dl/mongod-$1/mongod.real") \"\$@\""
    } >"$tmp/server-$1"
    chmod 755 "$tmp/server-$1"
  fi
  mv -f "$tmp/server-$1" "$mongod"
  why='it does not run on this machine'
  [ "$(version_of "$mongod")" = "$1" ]
}
