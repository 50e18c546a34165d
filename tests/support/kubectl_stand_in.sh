#!/bin/sh
# kubectl as scripts/control-agent.sh uses it, without a cluster. What it knows is in the directory STAND_IN:
#
#   configmap          what the ConfigMap says; there is none where the file is missing
#   pods/NAME/         a pod that runs; `health` and `control` name the files of its agent, a real one on this machine
#   pods/NAME/env      settings of its container, one a line, if it has any
#   pods/NAME/stale    its node does not look at the ConfigMap
#   spare/NAME/        a pod that takes the place of one that is deleted
#   forbidden          words of commands that are refused, one a line
#   hang               words of commands that never end, one a line; after a minus those that ignore SIGTERM besides
#   fails              words of commands that fail, a bar, and what is said then, one a line
#   rollout            what is said of a rollout on its way
#   no-namespace       the namespace does not exist
#   calls              every command it was given, one a line
#
# Nodes look at the ConfigMap when pods are annotated.
set -eu
cd "$STAND_IN"
case ${1:-} in --context) shift 2 ;; esac
case ${1:-} in --namespace) shift 2 ;; esac
echo "$*" >>calls
fail() { echo "Error from server ($1): $2" >&2; exit 1; }
forbid() { # WORDS, as the API server says it
  group=''
  case $1 in
    exec*) verb=create resource=pods/exec ;;
    'get pods') verb=list resource=pods ;;
    'rollout restart') verb=patch resource=deployments group=apps ;;
    *) verb=${1%% *} resource=${1##* } resource=${resource%s}s ;;
  esac
  fail Forbidden "$resource \"x\" is forbidden: User \"jane\" cannot $verb resource \"$resource\" in API group \"$group\" in the namespace \"jobs\""
}
if [ -f forbidden ]; then
  while read -r words; do case "$*" in "$words"*) forbid "$words" ;; esac; done <forbidden
fi
if [ -f hang ]; then
  while read -r words; do
    case "$*" in
      "$words"*) exec sleep 300 ;;
      "${words#-}"*) trap '' TERM; exec sleep 300 ;;
    esac
  done <hang
fi
if [ -f fails ]; then
  while IFS='|' read -r words text; do case "$*" in "$words"*) printf '%s\n' "$text" >&2; exit 1 ;; esac; done <fails
fi

case "$1 $2" in
  'get pods') ls pods ;;
  'get configmap') [ ! -f configmap ] || { if [ -s configmap ]; then cat configmap; else echo -; fi; } ;;
  'get namespace') [ ! -f no-namespace ] || fail NotFound "namespaces \"$3\" not found" ;;
  'get deployment') cat replicas ;;
  'create configmap')
    [ ! -f configmap ] || fail AlreadyExists "configmaps \"$3\" already exists"
    printf %s "${4#--from-literal=state=}" >configmap
    ;;
  'patch configmap')
    [ -f configmap ] || fail NotFound "configmaps \"$3\" not found"
    printf %s "$7" | sed 's/.*"state":"\([a-z]*\)".*/\1/' >configmap
    ;;
  'annotate pods')
    for pod in pods/*; do
      if [ ! -f "$pod/stale" ] && [ -f configmap ]; then
        cp configmap "$pod/new"
        mv "$pod/new" "$(cat "$pod/control")"
      fi
    done
    ;;
  'exec '*)
    pod=pods/$2
    [ -d "$pod" ] || fail NotFound "pods \"$2\" not found"
    [ "$3 $4 $5 $6" = '-c pulling-agent -- pulling-agent' ] || fail BadRequest "not what is in the image: $*"
    shift 6
    if [ -f "$pod/env" ]; then while read -r line; do export "${line?}"; done <"$pod/env"; fi
    HEALTH_DIR=$(cat "$pod/health") exec "$TEST_AGENT_BINARY" "$@"
    ;;
  'delete pods')
    shift 2
    for name; do case $name in --*) ;; *) rm -r "pods/$name" && mv "spare/$name" "pods/$name-new" ;; esac; done
    ;;
  'rollout restart') echo "$3 restarted" ;;
  'rollout status')
    [ ! -f rollout ] || cat rollout
    [ ! -f stuck ] || { echo 'error: timed out waiting for the condition' >&2; exit 1; }
    ;;
  *) echo "kubectl_stand_in.sh does not know: $*" >&2; exit 1 ;;
esac
