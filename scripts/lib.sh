# What the scripts share: a digest, a folder and a lock that are gone when the script ends. One that takes a lock has `say` and
# `die`.
# shellcheck shell=sh

if command -v sha256sum >/dev/null; then
  sha256() { sha256sum | cut -d' ' -f1; } # of what it reads
else
  sha256() { shasum -a 256 | cut -d' ' -f1; }
fi

own_folder='' own_lock=''
clean_up() {
  [ -z "$own_folder" ] || rm -rf "$own_folder"
  [ -z "$own_lock" ] || rm -rf "$own_lock"
}

# Removes FOLDER, and the lock if one is taken, when the script ends, also by a signal: without a trap of its own, a signal
# ends some shells without that of the end.
clean_up_at_the_end() { # [FOLDER]
  own_folder=${1:-}
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Makes FOLDER, for this user alone, when no other process that still runs has it.
take_lock() { # FOLDER WHAT-IT-IS-FOR
  waited=0 refused=0
  until mkdir -m 700 "$1" 2>/dev/null; do
    if [ ! -d "$1" ]; then # released just now, or it cannot be made at all
      refused=$((refused + 1))
      [ "$refused" -lt 5 ] || die "cannot make the folder $1, which locks the $2: make its parent writable."
      continue
    fi
    holder=$(cat "$1/pid" 2>/dev/null || :)
    if { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; } || { [ -z "$holder" ] && [ "$waited" -ge 5 ]; }; then
      [ -O "$1" ] || die "$1 belongs to another user, who may be running a $2: try again, or have it removed."
      rm -rf "$1"
      continue
    fi
    [ "$waited" != 2 ] || say "waiting for another $2 (process ${holder:-unknown}) to finish"
    waited=$((waited + 1))
    sleep 1
  done
  own_lock=$1
  echo $$ >"$1/pid"
}
