# The @std packages: sets $jsr_url, empty if Deno needs none, and $jsr_source. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2034,SC2154

try_jsr() { # [JSR_URL]: can deno get a package of JSR?
  mkdir -p "$tmp/jsr"
  echo 'import "jsr:@std/fmt@1.0.9/colors";' >"$tmp/jsr/try.ts"
  (cd "$tmp/jsr" && limit 40 env DENO_DIR="$tmp/deno_dir" ${1:+JSR_URL="$1"} "$deno" cache --quiet --no-lock --no-config try.ts) >"$tmp/log" 2>&1
}

find_jsr() {
  if [ -n "${JSR_URL:-}" ]; then
    jsr_url=${JSR_URL%/}/ jsr_source="from JSR_URL ($JSR_URL)"
    if try_jsr "$jsr_url"; then return 0; fi
    die "JSR_URL=$JSR_URL does not give jsr:@std/fmt@1.0.9: give the address of a JSR registry that has it, or unset it."
  fi
  jsr_url='' jsr_source='from JSR'
  if [ -z "${OFFLINE:-}" ] && try_jsr ''; then return 0; fi
  offline_std || die "the @std packages cannot be had here (JSR is not reachable; $why): set JSR_URL to a JSR registry that is."
}
