# What the files of this folder share. Sourced by setup.sh, which sets $tmp, $tools and $quiet.
# shellcheck shell=sh disable=SC2034,SC2154

case $(uname -s)/$(uname -m) in
  Linux/x86_64) platform=linux_x64 ;;
  Linux/aarch64 | Linux/arm64) platform=linux_arm64 ;;
  Darwin/x86_64) platform=macos_x64 ;;
  Darwin/arm64) platform=macos_arm64 ;;
  *) platform=other ;;
esac
pin() { eval "printf '%s' \"\${$1_$platform:-}\""; } # NAME: its value for this platform, if any
is_pinned() { [ -f "$1" ] && [ "$(sha256 <"$1")" = "$2" ]; } # FILE DIGEST

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
  [ -z "${OFFLINE:-}" ] || { why='OFFLINE is set'; return 1; }
  command -v curl >/dev/null || { why='curl is missing'; return 1; }
  curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 30 -o "$2" "$1" 2>"$tmp/log" && return 0
  why=$(last_line "$tmp/log")
  return 1
}
take_if_pinned() { # DIGEST TARGET FILE
  if is_pinned "$3" "$1"; then mv "$3" "$2"; return 0; fi
  why="${3##*/} is not the file whose SHA-256 is pinned in ${pins:-scripts/versions.env}"
  return 1
}
take_program() { # DIGEST TARGET FILE
  chmod 755 "$3" 2>/dev/null || { why='the archive does not hold the program'; return 1; }
  mkdir -p "${2%/*}"
  take_if_pinned "$@"
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
