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
  [ -z "$own_lock" ] || remove_lock "$own_lock" $$
}

# Removes a lock in one step, if HOLDER still has it: file by file, it would seem to have no holder for a while, and what the
# next one makes in its place would be removed as well.
remove_lock() { # FOLDER HOLDER
  gone=$(mktemp -d "$1.XXXXXX") || return 0
  if [ "$(cat "$1/pid" 2>/dev/null || :)" = "$2" ]; then mv "$1" "$gone/lock" 2>/dev/null || :; fi
  rm -rf "$gone"
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
  waited=0 refused=0 unnamed=0 blocked=0
  until mkdir -m 700 "$1" 2>/dev/null; do
    if [ ! -d "$1" ]; then # released just now, or it cannot be made at all
      refused=$((refused + 1))
      [ "$refused" -lt 5 ] || die "cannot make the folder $1, which locks the $2: make its parent writable."
      continue
    fi
    refused=0
    holder=$(cat "$1/pid" 2>/dev/null || :)
    # It names itself right after it has made the folder.
    if [ -n "$holder" ]; then unnamed=0; else unnamed=$((unnamed + 1)); fi
    if [ "$unnamed" -gt 5 ] || { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; }; then
      [ -O "$1" ] || [ ! -d "$1" ] || die "$1 belongs to another user, who may be running a $2: try again, or have it removed."
      # One at a time, or one would remove what another has just made in its place.
      if mkdir "$1.stale" 2>/dev/null; then
        remove_lock "$1" "$holder"
        rmdir "$1.stale" 2>/dev/null || :
        blocked=0
        continue
      fi
      blocked=$((blocked + 1))
      [ "$blocked" -lt 10 ] || rmdir "$1.stale" 2>/dev/null || : # of one that was killed
    fi
    [ "$waited" != 2 ] || say "waiting for another $2 (process ${holder:-unknown}) to finish"
    waited=$((waited + 1))
    sleep 1
  done
  own_lock=$1
  echo $$ >"$1/pid"
}
