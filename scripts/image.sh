#!/bin/sh
# Builds the images with buildah, around the executable that `make build` makes and `make test` tests.
#
#   scripts/image.sh [scratch | distroless]...   both if none is given
#
# IMAGE   NAME[:TAG] of the distroless one (default: pulling-agent:latest); the other is NAME:TAG-scratch
# BASE    the image that the distroless one is built on. Default: that of the Dockerfile if its registry can be
#         reached; otherwise one that is put together here from the Debian packages that it consists of.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
image=${IMAGE:-pulling-agent}
case ${image##*/} in *:*) ;; *) image=$image:latest ;; esac
say() { printf 'image: %s\n' "$*" >&2; }
die() { printf 'image.sh: %s\n' "$*" >&2; exit 1; }
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

[ $# -gt 0 ] || set -- scratch distroless
for target; do
  case $target in scratch | distroless) ;; *) die "there is no image $target: give scratch, distroless, or nothing for both." ;; esac
done
command -v buildah >/dev/null ||
  die "buildah is missing: apt-get install buildah (or build with Docker: docker build -t $image .)"

sh scripts/build.sh
work=.tools/image/$$
clean_up_at_the_end "$work"
mkdir -p "$work"
sh scripts/image_root.sh dist/pulling-agent "$work/content"
# The executable itself knows best; `pulling-agent 1.2.3 (commit abc, ...`
about=$(dist/pulling-agent --version)
version=$(printf '%s' "$about" | sed 's/^pulling-agent \([^ ]*\) .*/\1/')
commit=$(printf '%s' "$about" | sed 's/.*(commit \([^,]*\),.*/\1/')
epoch=${SOURCE_DATE_EPOCH:-0}

build() { # TARGET NAME ARGUMENTS...
  target=$1 name=$2
  shift 2
  buildah bud --quiet --timestamp "$epoch" --target "$target" --build-context "content=$work/content" \
    --build-arg "COMMIT=$commit" --build-arg "VERSION=$version" --tag "$name" "$@" . >"$work/log" 2>&1 ||
    die "the image $target could not be built: $(tail -n 3 "$work/log")"
  say "$name: $(buildah images --format '{{.Size}}' "$name" | head -n 1)"
}

# --- a base like distroless/cc, of the same packages ------------------------------------------------------------------

packages="base-files netbase tzdata ca-certificates media-types libc6 libssl3" # distroless/base
packages="$packages libgcc-s1 gcc-12-base libgomp1 libstdc++6"                 # distroless/cc

fetch_packages() { # FOLDER
  mkdir -p "$1"
  # shellcheck disable=SC2086  # a list
  (cd "$1" && apt-get -q -o APT::Sandbox::User=root download $packages) >"$work/log" 2>&1
}
make_base() { # NAME
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || die "the registry of the base image cannot be reached, and without $tool it cannot be put together here: set BASE to an image like it."
  done
  debs=$work/debs
  if ! fetch_packages "$debs" && ! { apt-get -q update >"$work/log" 2>&1 && fetch_packages "$debs"; }; then
    die "the packages of the base image cannot be had (Debian 12 has them all): $(tail -n 1 "$work/log")"
  fi
  base=$work/base
  mkdir -p "$base/var/lib/dpkg/status.d"
  for deb in "$debs"/*.deb; do
    dpkg-deb -x "$deb" "$base"
    dpkg-deb -f "$deb" >"$base/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)" # scanners look there
  done
  find "$base/usr/share/doc" ! -type d ! -name copyright -exec rm -f {} +
  for folder in man info lintian locale; do rm -rf "${base:?}/usr/share/$folder"; done
  rm -f "$base/usr/sbin/update-ca-certificates" # a script, where nothing runs scripts
  mkdir -p "$base/etc/ssl/certs" "$base/tmp" "$work/home"
  cat "$base"/usr/share/ca-certificates/mozilla/*.crt >"$base/etc/ssl/certs/ca-certificates.crt"
  chmod 1777 "$base/tmp"
  printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin' \
    'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$base/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nobody:x:65534:' 'tty:x:5:' 'staff:x:50:' 'nonroot:x:65532:' >"$base/etc/group"
  echo 'hosts: files dns' >"$base/etc/nsswitch.conf"
  buildah bud --quiet --timestamp "$epoch" --build-context "home=$work/home" --tag "$1" --file - "$base" >"$work/log" 2>&1 <<'END' || die "the base image could not be built: $(tail -n 3 "$work/log")"
FROM scratch
COPY . /
COPY --from=home --chown=65532:65532 / /home/nonroot/
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532
WORKDIR /home/nonroot
END
}

for target; do
  case $target in
    scratch) build scratch "$image-scratch" ;;
    distroless)
      if [ -z "${BASE:-}" ]; then
        BASE=$(sed -n 's/^ARG BASE=//p' Dockerfile)
        if ! buildah pull --quiet "$BASE" >"$work/log" 2>&1; then
          say "$BASE cannot be pulled; putting a base together from the Debian packages that it consists of"
          BASE=localhost/pulling-agent-base
          make_base "$BASE"
        fi
      fi
      build distroless "$image" --build-arg "BASE=$BASE"
      ;;
  esac
done
