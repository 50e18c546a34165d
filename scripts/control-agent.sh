#!/bin/sh
# Pauses, resumes, shows or restarts the agents of a namespace, and returns when every pod has confirmed.
#
#   scripts/control-agent.sh pause|resume|status|restart [options]
#
#   --namespace NAME   where they run (the namespace of the context)
#   --context NAME     which cluster (the current context)
#   --method METHOD    how pause and resume tell them: configmap (the default) or signal
#   --timeout SECONDS  how long to wait for all of them (180)
#
# configmap  writes the ConfigMap agent-control, which holds for pods that start later, too. The pods are annotated, which makes
#            their nodes look at it at once instead of within 60 to 90 seconds.
# signal     tells each pod that runs now, at once; a pod that starts later goes by the ConfigMap.
#
# Exit status: 0 all confirmed; 1 some did not, and are named; 2 wrong usage. KUBECTL names another kubectl.
set -eu

name=pulling-agent selector=app=pulling-agent configmap=agent-control
kubectl=${KUBECTL:-kubectl}
command='' namespace='' context='' method=configmap timeout=180

die() { printf 'control-agent.sh: %s\n' "$1" >&2; exit "${2:-1}"; }
usage() { sed -n '2,/^set -eu/ { /^#/ s/^#\( \|$\)//p; }' "$0"; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help | help) usage; exit 0 ;;
    --*=*) option=${1%%=*} value=${1#*=}; shift; set -- "$option" "$value" "$@" ;;
    --namespace | -n | --context | --method | --timeout)
      [ -n "${2:-}" ] || die "$1 needs a value: see --help" 2
      case $1 in
        --namespace | -n) namespace=$2 ;;
        --context) context=$2 ;;
        --method) method=$2 ;;
        --timeout) timeout=${2%s} ;;
      esac
      shift 2
      ;;
    -*) die "there is no option $1: see --help" 2 ;;
    *) [ -z "$command" ] || die "give one command, not $command and $1: see --help" 2; command=$1; shift ;;
  esac
done
case $command in
  pause) wanted=paused ;;
  resume) wanted=running ;;
  status | restart) wanted='' ;;
  '') die 'give pause, resume, status or restart: see --help' 2 ;;
  *) die "there is no command $command: give pause, resume, status or restart" 2 ;;
esac
case $method in configmap | signal) ;; *) die "there is no method $method: give configmap or signal" 2 ;; esac
case $timeout in '' | *[!0-9]*) die "--timeout $timeout is not a whole number of seconds" 2 ;; esac
command -v "$kubectl" >/dev/null || die "$kubectl is not installed: install kubectl, or set KUBECTL to its path"

k() { "$kubectl" ${context:+--context "$context"} ${namespace:+--namespace "$namespace"} "$@"; }
started=$(date +%s)
elapsed() { echo $(($(date +%s) - started)); }
count() { printf '%s\n' $#; }

# The pods that run and are not on their way out. One that has not started yet reads the ConfigMap when it does.
running_pods() {
  # shellcheck disable=SC2016
  k get pods --selector "$selector" --field-selector status.phase=Running \
    -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' ||
    die 'the pods cannot be listed, as said above: check --context, --namespace and your rights'
}

# POD: "CONTROL SOURCE SINCE READY CONNECTED HELD PROCESSED STATE", or nothing if it does not answer.
ask() {
  k exec "$1" -c "$name" -- pulling-agent status --json 2>/dev/null </dev/null | sed -n \
    's/.*"state":"\([a-z]*\)","control":{"state":"\([a-z]*\)","source":"\([a-z]*\)","since":"\([^"]*\)"},"ready":\([a-z]*\),"connected":\([a-z]*\),.*"held":{"documents":\([0-9]*\).*"processed":\([0-9]*\).*/\2 \3 \4 \5 \6 \7 \8 \1/p'
}

# What the ConfigMap says: nothing where it is missing, "-" where it has no state.
configured() {
  k get configmap "$configmap" --ignore-not-found -o go-template='{{with .data}}{{or .state "-"}}{{else}}-{{end}}' ||
    die "the ConfigMap $configmap cannot be read, as said above: check --context, --namespace and your rights"
}

configure() { # STATE
  if [ -z "$(configured)" ] && k create configmap "$configmap" --from-literal=state="$1" >/dev/null; then return; fi
  k patch configmap "$configmap" --type merge --patch "{\"data\":{\"state\":\"$1\"}}" >/dev/null ||
    die "the ConfigMap $configmap cannot be written, as said above: ask for the right to patch it, or use --method signal"
}

# A changed annotation makes the node look at the pod, and at its ConfigMap, at once. It only saves time: without the right to
# annotate pods it takes as long as the node takes.
hurry() { k annotate pods --selector "$selector" --overwrite "pulling-agent/asked=$command $(date -u +%Y-%m-%dT%H:%M:%SZ)" >/dev/null 2>&1 || :; }

# Tells the pods and waits until each has confirmed. Pods may come and go meanwhile.
tell_all() {
  before=''
  if [ "$method" = configmap ]; then
    before=$(configured)
    configure "$command"
    hurry
  fi
  told=' ' confirmed=' ' round=0
  while :; do
    pods=$(running_pods)
    missing=''
    for pod in $pods; do
      case $confirmed in *" $pod "*) continue ;; esac
      answer=$(ask "$pod") || :
      # The file changes nothing in a pod that was told otherwise by signal after the file had said the same already.
      if [ "${answer%% *}" != "$wanted" ] && { [ "$method" = signal ] || [ "$before" = "$command" ]; }; then
        case $told in
          *" $pod "*) ;;
          *) if k exec "$pod" -c "$name" -- pulling-agent "$command" >/dev/null 2>&1 </dev/null; then told="$told$pod "; fi ;;
        esac
        answer=$(ask "$pod") || :
      fi
      if [ "${answer%% *}" = "$wanted" ]; then
        confirmed="$confirmed$pod "
        say_pod "$pod" "$answer"
      else
        missing="$missing $pod"
      fi
    done
    [ -n "$missing" ] || break
    [ "$(elapsed)" -lt "$timeout" ] || break
    sleep 1
    round=$((round + 1))
    if [ "$method" = configmap ] && [ $((round % 10)) = 0 ]; then hurry; fi
  done
  # shellcheck disable=SC2086
  total=$(count $pods)
  if [ -n "$missing" ]; then
    for pod in $missing; do complain "$pod"; done
    # shellcheck disable=SC2086
    die "$(count $missing) of $total pods did not confirm within $timeout s"
  fi
  if [ "$total" = 0 ]; then
    echo "No pod runs here; those that start go by the ConfigMap $configmap: $(configured)"
  else
    echo "$total of $total pods are $wanted, after $(elapsed) s"
  fi
  if [ "$method" = signal ]; then
    case $command/$(configured) in
      pause/pause | resume/resume | resume/ | resume/-) ;;
      *) echo "The ConfigMap $configmap does not say so: pods that start later, or again, will not be $wanted" ;;
    esac
  fi
}

say_pod() { # POD ANSWER
  pod=$1
  # shellcheck disable=SC2086
  set -- $2
  echo "$pod  $1, by $2, since $3; $6 documents held"
}

complain() { # POD
  answer=$(ask "$1") || :
  if [ -n "$answer" ]; then
    echo "control-agent.sh: $1 is ${answer%% *}: see kubectl logs $1, or tell it with --method signal" >&2
  else
    echo "control-agent.sh: $1 does not answer: see kubectl describe pod $1" >&2
  fi
}

status() {
  state=$(configured)
  case $state in '') state='missing, agents start running' ;; -) state='without state, agents start running' ;; esac
  echo "ConfigMap $configmap: $state"
  silent=''
  pods=$(running_pods)
  for pod in $pods; do
    answer=$(ask "$pod") || :
    if [ -z "$answer" ]; then silent="$silent $pod"; continue; fi
    # shellcheck disable=SC2086
    set -- $answer
    mongodb='connected' ready='ready'
    [ "$5" = true ] || mongodb='out of reach'
    [ "$4" = true ] || ready='not ready'
    echo "$pod  $8 ($1 by $2, since $3), $ready, MongoDB $mongodb, $6 documents held, $7 processed"
  done
  # shellcheck disable=SC2086
  echo "Running pods: $(count $pods)"
  [ -z "$silent" ] || {
    for pod in $silent; do complain "$pod"; done
    exit 1
  }
}

# Replaces every pod. Those of a paused fleet are not ready, so that a rollout would wait until somebody resumes; they hold
# nothing, so they are deleted instead, and their successors start as the ConfigMap says.
restart() {
  old=$(running_pods) paused='' others=''
  for pod in $old; do
    # shellcheck disable=SC2046
    set -- $(ask "$pod")
    if [ "${1:-}" = paused ] && [ "${4:-}" = false ]; then paused="$paused $pod"; else others="$others $pod"; fi
  done
  if [ -n "$others" ] || [ -z "$paused" ]; then
    k rollout restart "deployment/$name" || die "deployment/$name cannot be restarted, as said above"
    k rollout status "deployment/$name" --timeout="${timeout}s" && return
    for pod in $(running_pods); do
      k exec "$pod" -c "$name" -- pulling-agent health readiness >/dev/null 2>&1 </dev/null ||
        echo "control-agent.sh: $pod is not ready: see kubectl describe pod $pod and kubectl logs $pod" >&2
    done
    die "the restart was not through within $timeout s; the old pods go on until the new ones are ready"
  fi
  [ "$(configured)" = pause ] || echo "Paused by signal only: the ConfigMap does not say pause, so the new pods will not be paused"
  # shellcheck disable=SC2086
  k delete pods $paused --timeout="${timeout}s" || die 'the pods cannot be deleted, as said above'
  replicas=$(k get deployment "$name" -o go-template='{{.spec.replicas}}') || die "deployment/$name cannot be read, as said above"
  while :; do
    answered=0
    for pod in $(running_pods); do
      case "$paused " in *" $pod "*) continue ;; esac
      [ -z "$(ask "$pod")" ] || answered=$((answered + 1))
    done
    [ "$answered" -lt "$replicas" ] || break
    [ "$(elapsed)" -lt "$timeout" ] || die "$answered of $replicas new pods answer after $timeout s: see kubectl describe pod -l $selector"
    sleep 1
  done
  echo "$replicas of $replicas pods were replaced, after $(elapsed) s"
}

case $command in
  pause | resume) tell_all ;;
  *) "$command" ;;
esac
