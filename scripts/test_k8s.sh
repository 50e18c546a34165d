#!/bin/sh
# Tests the manifests, the image and control-agent.sh on a real cluster, in namespaces of their own, which are removed.
#
#   KUBE_CONTEXT=kind-kind IMAGE=pulling-agent:latest TEST_K8S_MONGODB_URI=mongodb://... scripts/test_k8s.sh [arguments of deno test]
#
# KUBE_CONTEXT          the context to use; the current one is never used unasked
# IMAGE                 an image that the nodes have or can pull (pulling-agent:latest)
# TEST_K8S_MONGODB_URI  a MongoDB that pods and this machine reach at the same address; its database pulling_agent_k8s is used
# DENO_JOBS             how many tests at a time (5): most of their time they wait for the cluster
#
# The last line is `N passed, N failed`.
set -eu
cd "$(dirname -- "$0")/.."
if [ -z "${KUBE_CONTEXT:-}" ]; then
  echo 'test_k8s.sh: KUBE_CONTEXT is not set: name the context of the cluster to test on, one of those of kubectl config get-contexts' >&2
  exit 2
fi
if [ -z "${TEST_K8S_MONGODB_URI:-}" ]; then
  echo 'test_k8s.sh: TEST_K8S_MONGODB_URI is not set: give the address of a MongoDB that the pods and this machine reach' >&2
  exit 2
fi
kubectl --context "$KUBE_CONTEXT" get --raw /readyz >/dev/null || {
  echo "test_k8s.sh: the cluster of KUBE_CONTEXT=$KUBE_CONTEXT does not answer, as said above" >&2
  exit 1
}
export IMAGE="${IMAGE:-pulling-agent:latest}" DENO_JOBS="${DENO_JOBS:-5}"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
sh scripts/with_tools.sh --no-mongod deno test --allow-all --parallel --junit-path="$report" "$@" tests/k8s/*.ts || status=$?
sh scripts/with_tools.sh --no-mongod deno run --allow-read scripts/junit.ts "$report" "$status" || status=1
exit "$status"
