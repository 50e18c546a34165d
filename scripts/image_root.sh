#!/bin/sh
# Lays out what the stages of the Dockerfile copy.
#
#   scripts/image_root.sh EXECUTABLE FOLDER
#
#   FOLDER/bin   the executable
#   FOLDER/root  what the scratch image has besides: the shared libraries of the executable, a user, /tmp
#   FOLDER/tmp   the health directory, as `health`
set -eu
umask 022

die() { printf 'image_root.sh: %s\n' "$*" >&2; exit 1; }
[ $# = 2 ] || die 'give the executable and the folder to write'
executable=$1 folder=$2
[ -f "$executable" ] || die "there is no executable $executable: run 'make build' first."

libraries=$(LC_ALL=C ldd "$executable") ||
  die "ldd cannot tell which libraries $executable needs: build on Linux with glibc, for the architecture of this machine."
case $libraries in *'not found'*) die "a library of $executable is missing here: $(printf '%s' "$libraries" | grep 'not found')" ;; esac

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/tmp/health" "$folder/root/etc" "$folder/root/tmp"
cp "$executable" "$folder/bin/pulling-agent"
chmod 755 "$folder/bin/pulling-agent"
# The health directory, too: a tmpfs that is mounted over it belongs to root and takes on its mode, and a cluster may run
# the agent as any user it likes.
chmod 1777 "$folder/root/tmp" "$folder/tmp" "$folder/tmp/health"
echo 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >"$folder/root/etc/passwd"

# Where the dynamic loader looks without a cache: /lib/TRIPLET of Debian, and the fixed path of the loader itself.
printf '%s\n' "$libraries" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | sort -u | while IFS= read -r library; do
  mkdir -p "$folder/root${library%/*}"
  cp -L "$library" "$folder/root$library"
  chmod 755 "$folder/root$library"
done
