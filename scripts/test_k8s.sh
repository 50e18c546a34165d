#!/bin/sh
# Tests the manifests, the image and control-agent.sh on a real cluster, in a namespace of their own, which is removed.
#
#   KUBE_CONTEXT=kind-kind IMAGE=pulling-agent:latest TEST_K8S_MONGODB_URI=mongodb://... scripts/test_k8s.sh [arguments of deno test]
#
# KUBE_CONTEXT          the context to use; the current one is never used unasked
# IMAGE                 an image that the nodes have or can pull (pulling-agent:latest)
# TEST_K8S_MONGODB_URI  a MongoDB that pods and this machine reach at the same address; its database pulling_agent_k8s is dropped
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
export IMAGE="${IMAGE:-pulling-agent:latest}"
exec sh scripts/with_tools.sh --no-mongod deno test --allow-all "$@" tests/k8s/*.ts
