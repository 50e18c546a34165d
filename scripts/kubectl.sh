#!/bin/sh
# Builds kubectl from its published Go module and prints the path of its folder: .tools/kubectl. Nothing, if it is there.
# The version is that of the image in k8s/jobs/cronjobs-example.yaml; linked statically, it is all that an image of it needs.
set -eu
cd "$(dirname -- "$0")/.."
version=$(sed -n 's|.*image: registry.k8s.io/kubectl:v1\.\([0-9.]*\)$|\1|p' k8s/jobs/cronjobs-example.yaml | head -n 1)
[ -n "$version" ] || { echo 'kubectl.sh: k8s/jobs/cronjobs-example.yaml names no image of kubectl' >&2; exit 1; }
folder=$PWD/.tools/kubectl
if [ "$(cat "$folder/version" 2>/dev/null || :)" = "$version" ]; then echo "$folder"; exit 0; fi
command -v go >/dev/null || { echo 'kubectl.sh: go is missing: install Go, or kubectl itself' >&2; exit 1; }

# shellcheck source=scripts/lib.sh
. scripts/lib.sh
work=$(mktemp -d)
clean_up_at_the_end "$work"
cat >"$work/main.go" <<'END'
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
END
printf 'module build\n\nrequire k8s.io/kubectl v0.%s\n\nrequire k8s.io/component-base v0.%s\n' "$version" "$version" >"$work/go.mod"
about=k8s.io/component-base/version
minor=${version%%.*}
echo "kubectl.sh: building kubectl v1.$version" >&2
(cd "$work" && CGO_ENABLED=0 GOFLAGS=-mod=mod nice go build -o kubectl \
  -ldflags "-s -w -X $about.gitVersion=v1.$version -X $about.gitMajor=1 -X $about.gitMinor=$minor -X $about.gitTreeState=clean" .) >&2
mkdir -p "$folder"
mv "$work/kubectl" "$folder/kubectl"
echo "$version" >"$folder/version"
echo "$folder"
