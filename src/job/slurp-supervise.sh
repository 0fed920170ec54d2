# shellcheck shell=bash
# One job under supervision: asks whether it is wanted, passes signals on, and makes sure that every report reaches the site.
# Sourced by wrapper.sh and slurp-launch.sh, which set:
#
#   speaker          their name in messages
#   grace_seconds    how long a payload may go on after TERM; empty: as long as the batch system lets it, unless the job is
#                    not wanted
#   keeps_signal     not empty: a payload that a signal ended is followed by the same signal, not by 128 + its number
#
# and call, in this order: begin_supervision, ask_start, run_payload COMMAND…

: "${SLURP_JOB_DIRECTORY:=$PWD}"
: "${SLURP_LIBRARY_PATH=${LD_LIBRARY_PATH-}}"
: "${SLURP_NODE:=$(command -v node)}"
export SLURP_JOB_DIRECTORY SLURP_LIBRARY_PATH SLURP_NODE SLURP_WRAPPER_PROCESS=$$

stopped_by='' payload_group='' payload_signal='' killer='' is_told='' asking=''
# What the job has as standard error, also while the shell's own remarks go elsewhere.
exec {job_stderr}>&2

say() { printf '%s: %s\n' "$speaker" "$*" >&"$job_stderr"; }

report() { ./cups -r 0 -s 0 -d none message "$@" < /dev/null 2>&"$job_stderr"; }

# --- Commands of ours beside the payload ------------------------------------------------------------------------------

# Copies, not links, and not to be written to: scripts copy files of these names from elsewhere into their directory.
put_commands() {
  local worker=$1 name
  for name in cups pull bachi; do
    [ -e "$worker/$name.cjs" ] || continue
    if [ "$worker" -ef . ]; then
      chmod 0555 -- "$name.cjs" "$name" "$name.py"
    else
      install -m 0555 -- "$worker/$name.cjs" "$worker/$name" "$worker/$name.py" .
    fi
  done
}

# --- Signals and the end ----------------------------------------------------------------------------------------------

# The signals by which a batch system ends jobs: its own, and those that HTCondor was asked to use instead.
stop_signals=(TERM INT HUP QUIT)
find_stop_signals() {
  local name
  [ -r "${_CONDOR_JOB_AD-}" ] || return 0
  for name in $(sed -n -E 's/^(Remove|Hold)?KillSig = "(SIG)?([A-Z0-9]+)"$/\3/p' "$_CONDOR_JOB_AD"); do
    kill -l "$name" > /dev/null 2>&1 && [ "$name" != KILL ] && stop_signals+=("$name")
  done
}

kill_payload_later() {
  set -m
  (sleep "${grace_seconds:-12}" && kill -KILL -- "-$payload_group") > /dev/null 2>&1 &
  killer=$!
  set +m
}

on_signal() {
  is_interrupted=1
  if [ -z "$stopped_by" ] && [[ " ${stop_signals[*]} " == *" $1 "* ]]; then
    stopped_by=$1
    printf '%s\n' "$1" > slurp-stopping
  fi
  if [ -n "$asking" ] && [ -n "$stopped_by" ]; then kill -TERM "$asking" 2> /dev/null; fi
  if [ -n "$payload_group" ]; then
    [ "$1" = PIPE ] || kill -"$1" -- "-$payload_group" 2> /dev/null
    if [ -n "$stopped_by" ] && [ -z "$killer" ] && [[ -n $grace_seconds || -e slurp-fenced ]]; then kill_payload_later; fi
  fi
  if [ -e slurp-fenced ]; then return; fi
  case $1 in
    INT | HUP | PIPE | USR1 | USR2) report "SIG$1" --error "sig${1,,}" ;;
  esac
}

# However the job ends: what is left of the payload ends too, and the reports go home.
on_exit() {
  local status=$1 signal
  trap '' "${trapped_signals[@]}"
  if [ -n "$killer" ]; then kill -KILL -- "-$killer" 2> /dev/null; fi
  if [ -n "$payload_group" ]; then end_group; fi
  if [ -e slurp-fenced ]; then status=24 payload_signal=''; fi
  if [ -n "$is_told" ]; then report_end "$status"; fi
  if [ -n "$payload_signal" ] && [ -n "$keeps_signal" ] && [ -z "$stopped_by" ]; then
    signal=$(kill -l "$payload_signal")
    ulimit -c 0
    trap - "$signal"
    kill -s "$signal" $$
  fi
  exit "$status"
}

# What a script left in the background (a 'tee' with the last lines of its log) gets a second to end by itself.
end_group() {
  local tries
  for tries in 1 2 3 4 5 6 7 8 9 10 11 12; do
    kill -0 -- "-$payload_group" 2> /dev/null || return
    [ "$tries" != 11 ] || kill -TERM -- "-$payload_group" 2> /dev/null
    sleep 0.1
  done
  kill -KILL -- "-$payload_group" 2> /dev/null
}

begin_supervision() {
  local signal
  rm -f slurp-stopping slurp-fenced
  find_stop_signals
  trapped_signals=("${stop_signals[@]}" PIPE USR1 USR2)
  trap 'on_exit $?' EXIT
  for signal in "${trapped_signals[@]}"; do
    # shellcheck disable=SC2064
    trap "on_signal $signal" "$signal"
  done
}

# Runs 'report_start', which reports the start and asks whether the job is wanted: ends with its status, and leaves what it
# wrote in 'answer'. A later start may wait for the gateway for minutes. A signal ends that too: bash handles it during
# 'wait', and would not before the end of '$(...)'.
ask_start() {
  local status pipe
  # Both ends of a pipe, which also takes something where the disk is full.
  exec {pipe}<> <(:)
  report_start < /dev/null >&"$pipe" &
  asking=$!
  [ -z "$stopped_by" ] || kill -TERM "$asking"
  is_interrupted=1
  while [ -n "$is_interrupted" ]; do
    is_interrupted=''
    wait "$asking" 2> /dev/null
    status=$?
  done
  asking=''
  printf '\0' >&"$pipe"
  IFS= read -r -d '' answer <&"$pipe"
  exec {pipe}>&-
  ((status != 0)) || is_told=1
  return "$status"
}

# Runs a command in a process group of its own, so that a signal reaches it and all that it started, at once; then ends
# with its status. What the shell itself remarks about a payload that a signal ended is not output of the job; but it alone
# distinguishes such an end from an exit code above 128.
run_payload() {
  local status remarks=''
  if : > slurp-remarks; then
    exec {shell_remarks}<> slurp-remarks 2>&"$shell_remarks"
    rm -f slurp-remarks
  fi
  set -m
  (
    exec 2>&"$job_stderr" {job_stderr}>&-
    [ -z "${shell_remarks-}" ] || exec {shell_remarks}>&-
    export SLURP_PROCESS_GROUP=$BASHPID
    "$@"
  ) &
  payload_group=$!
  set +m
  # A signal that came before there was a group to pass it to.
  if [ -n "$stopped_by" ] && [ -z "$killer" ]; then on_signal "$stopped_by"; fi

  # A trapped signal ends 'wait', not the payload.
  is_interrupted=1
  while [ -n "$is_interrupted" ]; do
    is_interrupted=''
    wait "$payload_group"
    status=$?
  done
  exec 2>&"$job_stderr"
  [ -z "${shell_remarks-}" ] || remarks=$(< "/proc/$$/fd/$shell_remarks")
  if ((status > 128)) && [[ $remarks == *" $payload_group "* ]]; then payload_signal=$((status - 128)); fi
  exit "$status"
}
