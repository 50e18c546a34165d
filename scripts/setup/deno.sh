# Deno: sets $deno, its $version and $deno_source. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2034,SC2154

fits_deno() { at_least "$1" "$DENO_MIN" && ! at_least "$1" "$DENO_BELOW"; }

find_deno() {
  if [ -n "${DENO:-}" ]; then
    deno=$(absolute "$DENO") deno_source='given by DENO'
    { [ -f "$deno" ] && [ -x "$deno" ]; } || die "DENO=$DENO is not a program: give the path of deno, or unset it."
    version=$(version_of "$deno")
    [ -n "$version" ] || die "DENO=$DENO does not tell its version when run with --version: give the path of deno, or unset it."
    fits_deno "$version" || die "DENO=$DENO is version $version: give one from $DENO_MIN on, below $DENO_BELOW, or unset it."
    return 0
  fi
  if deno=$(in_path deno); then
    deno_source="from PATH ($deno)" version=$(version_of "$deno")
    if [ -n "$version" ] && fits_deno "$version"; then return 0; fi
    say "deno in PATH is version ${version:-unknown}; from $DENO_MIN on, below $DENO_BELOW, is needed, so another one is used"
  fi
  digest=$(pin DENO_SHA256)
  [ -n "$digest" ] || die "there is no Deno for $(uname -s) on $(uname -m) here: install Deno $DENO_MIN or newer, or set DENO to its path."
  deno=$tools/dl/deno-$DENO_VERSION/deno version=$DENO_VERSION deno_source=downloaded
  if is_pinned "$deno" "$digest"; then return 0; fi
  reasons=''
  for base in $DENO_URLS; do
    say "downloading Deno $DENO_VERSION from $base"
    if download "$base/deno-$(pin DENO_TARGET).zip" "$tmp/deno.zip" && only_member_of_zip "$tmp/deno.zip" "$tmp/deno" &&
      take_program "$digest" "$deno" "$tmp/deno"; then return 0; fi
    reasons="${reasons:+$reasons; }$why"
  done
  if offline_deno "$digest" "$deno"; then return 0; fi
  die "Deno $DENO_VERSION cannot be had here ($reasons; $why): install Deno $DENO_MIN or newer, or set DENO to its path."
}
