#!/bin/sh
# What the tests ask about the manifests, without a cluster.
#
#   scripts/manifests.sh validate VERSION FILE...   checks them against the schemas of a Kubernetes version, as 1.34.0
#   scripts/manifests.sh json FILE...               prints their objects as a JSON array
#   scripts/manifests.sh ready                      fails if neither can be done
#   scripts/manifests.sh base                       copies k8s/*.yaml to k8s/overlays/base
#
# The schemas come with the Python package kubernetes-validate, which is put under .tools/ when it is first needed.
set -eu
cd "$(dirname -- "$0")/.."
requirements='kubernetes-validate==1.37.0 PyYAML==6.0.3 jsonschema==4.26.0 referencing==0.37.0'
packages=.tools/python/kubernetes-validate-1.37.0

die() { printf 'manifests.sh: %s\n' "$1" >&2; exit 1; }

prepare() {
  command -v python3 >/dev/null || die 'python3 is missing: apt-get install python3 python3-pip'
  [ ! -d "$packages" ] || return 0
  new=$packages.$$
  trap 'rm -rf "$new"' EXIT
  mkdir -p "${packages%/*}"
  # shellcheck disable=SC2086  # a list
  python3 -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --root-user-action ignore \
    --target "$new" $requirements >"$packages.log" 2>&1 ||
    die "kubernetes-validate cannot be had, $(tail -n 1 "$packages.log"): make the Python package index reachable for pip"
  mv "$new" "$packages" 2>/dev/null || [ -d "$packages" ] # another process may have been faster
}

python() { PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1 python3 "$@"; }

command=${1:-}
[ $# = 0 ] || shift
case $command in
  ready) prepare ;;
  validate)
    prepare
    version=$1
    shift
    python -m kubernetes_validate --kubernetes-version "$version" --strict --quiet "$@"
    ;;
  json)
    prepare
    python -c 'import json, sys, yaml
print(json.dumps([o for f in sys.argv[1:] for o in yaml.safe_load_all(open(f)) if o]))' "$@"
    ;;
  base) cp k8s/*.yaml k8s/overlays/base/ ;;
  *) die 'give validate, json, ready or base: see the top of this file' ;;
esac
