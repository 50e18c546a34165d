#!/bin/sh
# Builds an image with this machine's Python and the libraries that it and the agent need, as the image `python` has them.
#
#   tests/support/python_image.sh NAME AGENT FOLDER
#
# AGENT is the executable of the agent; FOLDER is empty, and is used on the way.
set -eu
name=$1 agent=$2 root=$3
python=/usr/bin/python3
[ -x "$python" ] || python=$(python3 -c 'import sys; print(sys._base_executable)')
library=$("$python" -Sc 'import os; print(os.path.dirname(os.__file__))')
program=$("$python" -Sc 'import os, sys; print(os.path.realpath(sys.executable))')

mkdir -p "$root$library" "$root${program%/*}" "$root/usr/local/bin" "$root/tmp"
tar -C "$library" --exclude=site-packages --exclude=test --exclude=__pycache__ -cf - . | tar -C "$root$library" -xf -
cp "$program" "$root$program"
ln -s "$program" "$root/usr/local/bin/python3"
find "$library/lib-dynload" -name '*.so' -exec ldd "$program" "$agent" {} + |
  sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | sort -u | while IFS= read -r file; do
  mkdir -p "$root${file%/*}"
  cp -L "$file" "$root$file"
done
printf 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin\n' | buildah bud --quiet --tag "$name" --file - "$root"
