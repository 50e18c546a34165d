#!/usr/bin/env bash
# Runs `make test-k8s` on a one-node cluster that is started for it and taken down again.
#
#   CLUSTER=COMMAND CLUSTER_HOST=ADDRESS scripts/ci_k8s.sh
#
# CLUSTER       the command that starts clusters. It knows `up` (prints `export KUBECONFIG=...`), `load IMAGE` (gives the
#               node an image that buildah has built) and `down`
# CLUSTER_HOST  the address at which pods reach this machine
#
# To test on a cluster that runs already, use `make test-k8s` itself.
# The last line is `N passed, N failed`. If no cluster can run (no CLUSTER, not root, no Go, it does not come up) it is a
# line `SKIP ...` instead, and the exit status is 0: that is no fault of what is tested.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
read -ra cluster <<<"${CLUSTER:-}"
host=${CLUSTER_HOST:-} image=pulling-agent:latest

skip() { echo "SKIP the tests on a cluster: $1; nothing was tried on Kubernetes"; exit 0; }
fail() { printf 'ci_k8s: %s\n0 passed, 1 failed\n' "$1"; exit 1; }

[ "${#cluster[@]}" -gt 0 ] || skip 'CLUSTER does not name the command that starts one'
[ -n "$host" ] || skip 'CLUSTER_HOST does not give the address at which pods reach this machine'
[ "$(id -u)" = 0 ] || skip 'this is not root'
for tool in go ip; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
if ! command -v kubectl >/dev/null; then
  folder=$(sh scripts/kubectl.sh) || skip 'kubectl is missing and could not be built, as said above'
  export PATH=$folder:$PATH
fi

log=$(mktemp)
api_service=''
# shellcheck disable=SC2317  # by the trap
clean_up() {
  [ -z "$api_service" ] || ip address del "$api_service/32" dev lo 2>/dev/null
  "${cluster[@]}" down
  rm -f "$log"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
exports=$("${cluster[@]}" up 2> >(tee "$log" >&2)) || skip "the cluster does not come up ($(tail -n 1 "$log"))"
eval "$exports"
# The version that goes with the cluster, and into the image that the schedules use.
folder=$(sh scripts/kubectl.sh) || skip 'kubectl could not be built for the image of the schedules, as said above'
export PATH=$folder:$PATH
KUBE_CONTEXT=$(kubectl config current-context) || fail 'the cluster gives no context'
export KUBE_CONTEXT

# Under these very names the manifests ask for them.
IMAGE=docker.io/library/$image sh scripts/image.sh distroless || fail 'the image cannot be built, as said above'
kubectl_image=$(sed -n 's|.*image: \(registry.*/kubectl:.*\)|\1|p' k8s/jobs/cronjobs-example.yaml | head -n 1)
printf 'FROM scratch\nCOPY kubectl /bin/kubectl\nENV PATH=/bin\nENTRYPOINT ["/bin/kubectl"]\n' |
  buildah bud --quiet --tag "$kubectl_image" --file - "$folder" >/dev/null || fail 'the image of kubectl cannot be built'
for loaded in "docker.io/library/$image" "$kubectl_image"; do
  "${cluster[@]}" load "$loaded" || fail "the cluster does not take $loaded"
done

# The address of this machine is there as soon as the first pod is; this one shows that the image runs at all.
kubectl run first --image="$image" --image-pull-policy=Never --restart=Never -- --version >/dev/null
if ! kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/first --timeout=120s >/dev/null; then
  why=$(kubectl describe pod first | tail -n 5)
  [ "$(kubectl get pod first --output jsonpath='{.status.phase}')" != Pending ] || skip "no container starts here: $why"
  fail "the image does not run: $why"
fi
kubectl logs first
kubectl delete pod first --wait=false >/dev/null

# Such a cluster may lack a proxy of Services: the one that the schedules need is put up by hand.
api_service=$(kubectl get service kubernetes --namespace default --output jsonpath='{.spec.clusterIP}')
api_server=$(kubectl config view --minify --output jsonpath='{.clusters[0].cluster.server}')
ip address replace "$api_service/32" dev lo || fail "the address $api_service cannot be given to this machine"

sh scripts/with_tools.sh deno run --allow-all scripts/with_services.ts "$host" "$api_service" "${api_server#https://}" \
  env IMAGE="$image" make --no-print-directory test-k8s 2>&1 | grep --line-buffered -v '^make.*: \*\*\* '
status=${PIPESTATUS[0]}
if ! kubectl wait --for=condition=Ready node --all --timeout=10s >/dev/null; then
  echo 'ci_k8s: the node is not ready any more, so what failed above may say nothing about the agent:' >&2
  kubectl describe node | sed -n '/^Conditions:/,/^Addresses:/p' >&2
fi
exit "$status"
