#!/bin/sh
# shellcheck disable=SC2030,SC2031 # what a visit of a pod sets is its own
# Pauses, resumes, shows or restarts the agents of a namespace, and returns when every pod has confirmed.
#
#   scripts/control-agent.sh pause|resume|status|restart [options]
#
#   --namespace NAME   where they run (the namespace of the context)
#   --context NAME     which cluster (the current context)
#   --method METHOD    how pause and resume tell them: configmap (the default) or signal
#   --timeout SECONDS  how long to wait for all of them (180); what is under way then has ten more seconds to end
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
# A command in a pod has so many seconds. And so many has each call, however late it is: a status takes five if an agent is frozen.
in_pod=20 at_least=10
at_once=10 # pods that are asked at the same time

# Bytes are bytes, and what the shell says of a call that was ended is in English.
export LC_ALL=C
# Messages go where standard error went. What the shell itself says there, such as "Terminated" of a call that it ended, is
# looked through first: see `end`.
exec 3>&2

# What the cluster, its pods or the command line said, as a terminal shows it: each control character becomes a blank, be it a
# single byte or a character of UTF-8, and so does what changes the order of a text. Line breaks and tabs stay.
byte() { printf '%b' "\\0$1"; }
unprintable="s/$(byte 302)[$(byte 200)-$(byte 237)]/ /g
s/$(byte 342)$(byte 200)[$(byte 213)-$(byte 217)$(byte 250)-$(byte 256)]/ /g
s/$(byte 342)$(byte 201)[$(byte 240)-$(byte 257)]/ /g
s/$(byte 357)$(byte 273)$(byte 277)/ /g"
printable() { tr '\000-\010\013-\037\177' '[ *]' | sed "$unprintable"; }

complain() { printf 'control-agent.sh: %s\n' "$1" | printable >&3; }
die() { complain "$1"; exit "${2:-1}"; }
usage() { sed -n '3,/^set -eu/s/^#//p' "$0" | sed 's/^ //'; }

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
case $timeout in '' | *[!0-9]* | ??????????*) die "--timeout $timeout is not a whole number of seconds" 2 ;; esac
while :; do case $timeout in 0?*) timeout=${timeout#0} ;; *) break ;; esac; done # 08 is no octal number here
command -v "$kubectl" >/dev/null || die "$kubectl is not installed: install kubectl, or set KUBECTL to its path"

job=main child='' watchdog='' visits=''
started=$(date +%s)
elapsed() { echo $(($(date +%s) - started)); }
count() { printf '%s\n' $#; }
end_calls() {
  [ -z "$watchdog" ] || kill -KILL "$watchdog" 2>/dev/null || :
  for pid in $child $visits; do kill "$pid" 2>/dev/null || :; done
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/control-agent.XXXXXX") || die 'no temporary directory can be made: set TMPDIR to one'
# What programs complained of besides, and what the shell did, without what it says of calls that were ended.
end() {
  end_calls
  [ ! -s "$tmp/shell.err" ] || grep -Ev '(Terminated|Killed|Hangup|Interrupt)( |$)' "$tmp/shell.err" | printable >&3 || :
  rm -rf "$tmp"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
exec 2>>"$tmp/shell.err"

# What is left of --timeout: SECONDS at most, and never less than a call needs.
left() { # SECONDS
  seconds=$((timeout - $(elapsed)))
  [ "$seconds" -le "$1" ] || seconds=$1
  [ "$seconds" -ge "$at_least" ] || seconds=$at_least
  echo "$seconds"
}

# Runs a command for so many seconds at most; 124 if it took longer. There is no timeout(1) on every system.
bounded() { # SECONDS COMMAND...
  limit=$1 code=0
  shift
  rm -f "$tmp/$job.late"
  "$@" </dev/null 3>&- &
  child=$!
  {
    waited=0
    while [ "$waited" -lt "$limit" ]; do sleep 1; waited=$((waited + 1)); done
    : >"$tmp/$job.late"
    kill "$child"
    sleep 1
    kill -KILL "$child"
  } >/dev/null 2>&1 3>&- </dev/null &
  watchdog=$!
  wait "$child" 2>/dev/null || code=$?
  child=''
  # Nothing less: a shell that has just been forked still has the traps of this one, and would go by them, or by none.
  kill -KILL "$watchdog" 2>/dev/null || :
  wait "$watchdog" 2>/dev/null || :
  watchdog=''
  [ ! -f "$tmp/$job.late" ] || code=124
  return "$code"
}

# kubectl, for so many seconds. What it prints and complains of is in files: a child of it that hangs would keep a pipe open.
# All that this script learns of a cluster comes in here, and is printable from here on.
k() { # SECONDS ARGUMENT...
  for_seconds=$1 ended=0
  shift
  set -- "$kubectl" ${context:+--context "$context"} ${namespace:+--namespace "$namespace"} "$@"
  bounded "$for_seconds" "$@" >"$tmp/$job.raw-out" 2>"$tmp/$job.raw-err" || ended=$?
  for part in out err; do printable <"$tmp/$job.raw-$part" >"$tmp/$job.$part"; done
  return "$ended"
}
out() { cat "$tmp/$job.out"; }

# The same, and shows what is said while it is said.
k_aloud() { # SECONDS ARGUMENT...
  rm -f "$tmp/$job.raw-out" "$tmp/$job.raw-err" "$tmp/said"
  { trap - EXIT; follow; } &
  visits=$! code_aloud=0
  k "$@" || code_aloud=$?
  : >"$tmp/said"
  end_visits
  return "$code_aloud"
}
follow() {
  shown_out=0 shown_err=0 is_last=''
  while [ -z "$is_last" ]; do
    [ ! -f "$tmp/said" ] || is_last=yes
    to_out=$(lines_of out) to_err=$(lines_of err)
    show out "$shown_out" "$to_out"
    show err "$shown_err" "$to_err" >&3
    shown_out=$to_out shown_err=$to_err
    [ -n "$is_last" ] || sleep 1
  done
}
lines_of() { if [ -f "$tmp/main.raw-$1" ]; then wc -l <"$tmp/main.raw-$1"; else echo 0; fi; }
show() { # out|err LINES-SHOWN LINES
  # At the end a line without its break is whole as well.
  if [ -n "$is_last" ]; then sed -n "$(($2 + 1)),\$p" "$tmp/main.raw-$1"
  elif [ "$3" -gt "$2" ]; then sed -n "$(($2 + 1)),$3p" "$tmp/main.raw-$1"
  fi | printable
}

# A word as a shell takes it.
quoted() {
  case $1 in
    *[!A-Za-z0-9@:._/-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

# Why the last call has failed, in one line, and what can be done about it.
reason() {
  if [ -f "$tmp/$job.late" ]; then
    echo "kubectl did not end within $for_seconds s: the cluster, or the node of the pod, may be out of reach"
    return
  fi
  right=$(sed -n 's/.*User "\([^"]*\)" cannot \([a-z]*\) resource "\([^"]*\)" in API group "\([^"]*\)"\(.*in the namespace "\([^"]*\)"\)\{0,1\}.*/\2 \3 group=\4 namespace=\6 \1/p' "$tmp/$job.err" | head -n 1)
  if [ -n "$right" ]; then
    # shellcheck disable=SC2086
    set -- $right
    verb=$1 resource=$2 group=${3#group=} inside=${4#namespace=}
    user=$(printf '%s\n' "$right" | cut -d' ' -f5-)
    role=agent-control-$verb-${resource##*/} where=${inside:+ --namespace $inside}
    echo "$user lacks the right to $verb $resource${inside:+ in the namespace $inside}. Have it granted:" \
      "kubectl create role $role --verb=$verb --resource=${resource%%/*}${group:+.$group}${resource#"${resource%%/*}"}$where" \
      "&& kubectl create rolebinding $role --role=$role --user=$(quoted "$user")$where"
    return
  fi
  said=$(grep -v '^ *$' "$tmp/$job.err" | tail -n 1)
  case $said in
    *'context'*'does not exist'* | *'context was not found'*) echo "$said: kubectl config get-contexts lists those that there are" ;;
    *'namespaces "'*'" not found'*) echo "$said: kubectl get namespaces lists those that there are" ;;
    *Unauthorized* | *'must be logged in'* | *'asked for the client to provide credentials'* | *'getting credentials'*)
      echo "the credentials for this cluster are missing, wrong or have expired, so log in again ($said)" ;;
    *'Unable to connect'* | *'connection to the server'* | *'i/o timeout'* | *'no such host'*)
      echo "the cluster cannot be reached ($said)" ;;
    *'container'*'is not valid for pod'* | *'container not found'*)
      echo "no container $name runs in it: is it waiting, has it crashed, or has it another name? ($said)" ;;
    *'executable file not found'* | *'no such file or directory'*)
      echo "its container has no program pulling-agent in its PATH: it is another image ($said)" ;;
    'pulling-agent: There is no command'* | 'pulling-agent: '*' knows no '*) echo "its image is of another version ($said)" ;;
    '') echo "kubectl said nothing" ;;
    *) echo "${said#pulling-agent: }" ;;
  esac
}

# The pods that run and are not on their way out. One that has not started yet reads the ConfigMap when it does.
running_pods() {
  # shellcheck disable=SC2016
  k "$(left 60)" get pods --selector "$selector" --field-selector status.phase=Running \
    -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' ||
    die "the pods cannot be listed: $(reason)"
  pods=$(out)
  # A namespace that does not exist has no pods, and kubectl does not say so.
  if [ -z "$pods" ] && [ -n "$namespace" ] && ! k "$(left 60)" get namespace "$namespace"; then
    case $(cat "$tmp/$job.err") in *NotFound* | *'not found'*) die "there is no namespace $namespace: kubectl get namespaces lists those that there are" ;; esac
  fi
}

# Sets `answer` to "CONTROL SOURCE SINCE READY CONNECTED HELD PROCESSED STATE"; `why` says why there is none to be believed.
ask() { # POD
  answer='' why=''
  k "$(left $in_pod)" exec "$1" -c "$name" -- pulling-agent status --json || why=$(reason)
  [ -z "$why" ] || return 0
  answer=$(out | sed -n \
    's/.*"state":"\([a-z]*\)","control":{"state":"\([a-z]*\)","source":"\([a-z]*\)","since":"\([^"]*\)".*,"ready":\([a-z]*\),"connected":\([a-z]*\),.*"held":{"documents":\([0-9]*\).*"counters":{[^}]*"processed":\([0-9]*\).*/\2 \3 \4 \5 \6 \7 \8 \1/p')
  [ -n "$answer" ] || why='its status cannot be understood: its image is of another version'
}

# Asks, and tells it directly if the ConfigMap alone would not: the file changes nothing in a pod that was told otherwise by
# signal after the file had said the same already.
tell() { # POD
  ask "$1"
  [ -z "$why" ] || return 0
  [ "${answer%% *}" != "$wanted" ] || return 0
  [ "$method" = signal ] || [ "$before" = "$command" ] || return 0
  if k "$(left $in_pod)" exec "$1" -c "$name" -- pulling-agent "$command"; then ask "$1"; else why=$(reason); fi
}

# Does that with each pod, some at the same time. What came of it is in files of the pods' names. The first are asked in any
# case; if the time is over then, the others are not: each ten that hang would take ten seconds more.
visit() { # ask|tell POD...
  how=$1 visits='' begun=0
  shift
  for pod; do
    if [ -z "$visits" ] && [ "$begun" != 0 ] && [ "$(elapsed)" -ge "$timeout" ]; then
      [ -f "$tmp/$pod.why" ] || echo "it was not asked within $timeout s, as others kept kubectl waiting" >"$tmp/$pod.why"
      continue
    fi
    (
      job=$pod child='' watchdog='' visits=''
      trap end_calls EXIT
      trap 'exit 143' TERM
      "$how" "$pod"
      printf '%s\n' "$answer" >"$tmp/$pod.answer"
      printf '%s\n' "$why" >"$tmp/$pod.why"
    ) &
    visits="$visits $!" begun=$((begun + 1))
    [ $((begun % at_once)) != 0 ] || end_visits
  done
  end_visits
}
# shellcheck disable=SC2086
end_visits() { [ -z "$visits" ] || wait $visits || :; visits=''; }
answer_of() { cat "$tmp/$1.answer" 2>/dev/null || :; }

# What the ConfigMap says: nothing if it is missing, "-" if it has no state.
configured() {
  k "$(left 60)" get configmap "$configmap" --ignore-not-found -o go-template='{{with .data}}{{or .state "-"}}{{else}}-{{end}}' ||
    die "the ConfigMap $configmap cannot be read: $(reason)"
  state=$(out)
}

configure() { # STATE
  if [ -z "$state" ]; then
    k "$(left 60)" create configmap "$configmap" --from-literal=state="$1" && return
    case $(cat "$tmp/$job.err") in *AlreadyExists*) ;; *) die "the ConfigMap $configmap cannot be made: $(reason)" ;; esac
  fi
  k "$(left 60)" patch configmap "$configmap" --type merge --patch "{\"data\":{\"state\":\"$1\"}}" ||
    die "the ConfigMap $configmap cannot be written: $(reason). Or use --method signal"
}

# A changed annotation makes the node look at the pod, and at its ConfigMap, at once. It only saves time: without the right to
# annotate pods it takes as long as the node takes.
hurry() { k "$(left 60)" annotate pods --selector "$selector" --overwrite "pulling-agent/asked=$command $(date -u +%Y-%m-%dT%H:%M:%SZ)" || :; }

# Tells the pods and waits until each has confirmed. Pods may come and go meanwhile.
tell_all() {
  before=''
  if [ "$method" = configmap ]; then
    configured
    before=$state
    configure "$command"
    hurry
  fi
  confirmed=' ' round=0
  while :; do
    running_pods
    missing=''
    for pod in $pods; do
      case $confirmed in *" $pod "*) ;; *) missing="$missing $pod" ;; esac
    done
    # shellcheck disable=SC2086
    visit tell $missing
    unconfirmed=$missing missing=''
    for pod in $unconfirmed; do
      answer=$(answer_of "$pod")
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
    for pod in $missing; do complain_of "$pod"; done
    # shellcheck disable=SC2086
    die "$(count $missing) of $total pods did not confirm within $timeout s"
  fi
  configured
  if [ "$total" = 0 ]; then
    echo "No pod runs here; those that start go by the ConfigMap $configmap: $state"
  else
    echo "$total of $total pods are $wanted, after $(elapsed) s"
  fi
  if [ "$method" = signal ]; then
    case $command/$state in
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

complain_of() { # POD
  answer=$(answer_of "$1") why=$(cat "$tmp/$1.why" 2>/dev/null || :)
  if [ -n "$why" ]; then
    complain "$1 does not answer: $why; see kubectl describe pod $1"
  else
    complain "$1 is ${answer%% *}: see kubectl logs $1, or tell it with --method signal"
  fi
}

status() {
  configured
  case $state in '') state='missing, agents start running' ;; -) state='without state, agents start running' ;; esac
  echo "ConfigMap $configmap: $state"
  silent='' reaching=''
  running_pods
  # shellcheck disable=SC2086
  visit ask $pods
  for pod in $pods; do
    answer=$(answer_of "$pod")
    if [ -z "$answer" ]; then silent="$silent $pod"; continue; fi
    # shellcheck disable=SC2086
    set -- $answer
    mongodb='connected' ready='ready'
    if [ "$5" = true ]; then reaching=${reaching:-$pod}; else mongodb='out of reach'; fi
    [ "$4" = true ] || ready='not ready'
    echo "$pod  $8 ($1 by $2, since $3), $ready, MongoDB $mongodb, $6 documents held, $7 processed"
  done
  # shellcheck disable=SC2086
  echo "Running pods: $(count $pods)"
  [ -z "$reaching" ] || fleet "$reaching"
  [ -z "$silent" ] || {
    for pod in $silent; do complain_of "$pod"; done
    exit 1
  }
}

# What the agents have written into the database, as a pod that reaches it sees it: also agents of other namespaces and clusters.
# An older image does not know it, and a user may lack the right to it. None alive is its exit status 1, with an answer.
fleet() { # POD
  if k "$(left $in_pod)" exec "$1" -c "$name" -- pulling-agent status --fleet || [ -s "$tmp/$job.out" ]; then out
  else echo "The fleet's own view is not there: $(reason)"; fi
}

# Replaces every pod. Those of a paused fleet are not ready, so that a rollout would wait until an operator resumes; they hold
# nothing, so they are deleted instead, and their successors start as the ConfigMap says.
restart() {
  running_pods
  old=$pods paused='' others=''
  # shellcheck disable=SC2086
  visit ask $old
  for pod in $old; do
    # shellcheck disable=SC2046
    set -- $(answer_of "$pod")
    if [ "${1:-}" = paused ] && [ "${4:-}" = false ]; then paused="$paused $pod"; else others="$others $pod"; fi
  done
  if [ -n "$others" ] || [ -z "$paused" ]; then
    k "$(left 60)" rollout restart "deployment/$name" || die "deployment/$name cannot be restarted: $(reason)"
    out
    for_rollout=$(left "$timeout")
    k_aloud $((for_rollout + at_least)) rollout status "deployment/$name" --timeout="${for_rollout}s" && return
    running_pods
    for pod in $pods; do
      k "$(left $in_pod)" exec "$pod" -c "$name" -- pulling-agent health readiness ||
        complain "$pod is not ready: see kubectl describe pod $pod and kubectl logs $pod"
    done
    die "the restart was not through within $timeout s; the old pods go on until the new ones are ready"
  fi
  configured
  [ "$state" = pause ] || echo "Paused by signal only: the ConfigMap does not say pause, so the new pods will not be paused"
  for_deletion=$(left "$timeout")
  # shellcheck disable=SC2086
  k $((for_deletion + at_least)) delete pods $paused --timeout="${for_deletion}s" || die "the pods cannot be deleted: $(reason)"
  out
  k "$(left 60)" get deployment "$name" -o go-template='{{.spec.replicas}}' || die "deployment/$name cannot be read: $(reason)"
  replicas=$(out)
  while :; do
    answered=0 new=''
    running_pods
    for pod in $pods; do case "$paused " in *" $pod "*) ;; *) new="$new $pod" ;; esac; done
    # shellcheck disable=SC2086
    visit ask $new
    for pod in $new; do [ -z "$(answer_of "$pod")" ] || answered=$((answered + 1)); done
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
