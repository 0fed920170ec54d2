#!/bin/bash
# Runs a user's script as a job: asks whether the job is wanted, brings the script's files, runs it, passes signals on,
# and sees to it that every report comes home.
#
#   wrapper.sh SCRIPT ARG... SUBDIR ITEMS CUPSID      the script gets ARG... SUBDIR ITEMS CUPSID
#
# SUBDIR is the folder of the submission, ITEMS a comma list of what to copy from there (globs, folders). The exit code
# is the script's own, or: 2 wrong arguments, 3 no slurp-job.json or slurp-token, 22 an item could not be copied, 23 no
# such script, 24 the job is not wanted, 25 no Node, 26 no container. See docs/worker.md.

say() { printf 'wrapper: %s\n' "$*" >&2; }

if (($# < 4)); then
  say "Too few arguments ($#): expected SCRIPT ARG... SUBDIR ITEMS CUPSID"
  exit 2
fi

# What becomes of a payload that does not end when it is told to; batch systems kill the rest 20 to 30 s after TERM.
grace_seconds=${SLURP_GRACE_SECONDS:-12}

export userscript=$1 cupsid=${!#} subdir=${*: -3:1}
items=${*: -2:1}
export payload=${items//,/ }
shift
# The site's setup may change the positional parameters.
arguments=("$@")
: "${SLURP_JOB_DIRECTORY:=$PWD}"
: "${SLURP_LIBRARY_PATH=${LD_LIBRARY_PATH-}}"
: "${SLURP_NODE:=$(command -v node)}"
export SLURP_JOB_DIRECTORY SLURP_LIBRARY_PATH SLURP_NODE SLURP_WRAPPER_PROCESS=$$
cd -- "$SLURP_JOB_DIRECTORY" || exit 3

stopped_by='' payload_group='' killer='' is_told=''
rm -f slurp-stopping slurp-fenced

# --- Commands of ours beside the script -------------------------------------------------------------------------------

here=$(readlink -f -- "$0")
for worker in "${here%/*}" "${SLURP_WORKER_DIRECTORY:-.}" "$PWD"; do
  [ -e "$worker/cups.cjs" ] && break
done

# Copies, not links, and not to be written to: scripts copy files of these names from elsewhere into their directory.
put_commands() {
  local name
  [ "$worker" -ef . ] && return
  for name in cups pull bachi; do
    [ -e "$worker/$name.cjs" ] || continue
    install -m 0555 -- "$worker/$name.cjs" "$worker/$name" "$worker/$name.py" .
  done
}

tell() { ./cups -r 0 -s 0 -d none message "$@"; }

# --- Signals and the end ----------------------------------------------------------------------------------------------

kill_payload_later() {
  set -m
  (sleep "$grace_seconds" && kill -KILL -- "-$payload_group") > /dev/null 2>&1 &
  killer=$!
  set +m
}

on_signal() {
  is_interrupted=1
  case $1 in
    TERM | INT | HUP)
      if [ -z "$stopped_by" ]; then
        stopped_by=$1
        printf '%s\n' "$1" > slurp-stopping
      fi
      ;;
  esac
  if [ -n "$payload_group" ]; then
    [ "$1" = PIPE ] || kill -"$1" -- "-$payload_group" 2> /dev/null
    [ -z "$stopped_by" ] || [ -n "$killer" ] || kill_payload_later
  fi
  case $1 in
    TERM) ;;
    *) [ -e slurp-fenced ] || tell "SIG$1" --error "sig${1,,}" ;;
  esac
}

# However the wrapper ends: what is left of the payload ends too, and the reports go home.
on_exit() {
  local status=$1
  trap '' TERM INT HUP PIPE USR1 USR2
  if [ -n "$killer" ]; then kill -KILL -- "-$killer" 2> /dev/null; fi
  if [ -n "$payload_group" ]; then end_group; fi
  if [ -e slurp-fenced ]; then status=24; fi
  if [ -n "$is_told" ]; then ./cups wrap-end "$status" "$stopped_by"; fi
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

trap 'on_exit $?' EXIT
for signal in TERM INT HUP PIPE USR1 USR2; do
  # shellcheck disable=SC2064
  trap "on_signal $signal" "$signal"
done

# --- The files of the script ------------------------------------------------------------------------------------------

is_odbc_told=''
refuse_odbc() {
  [ -n "$is_odbc_told" ] || say "odbc.ini is not staged: jobs reach no database ($1)"
  is_odbc_told=1
}

# Copies files and folders; names that are ours, secrets and the site itself are passed over. Of two files of one name
# the later counts; 'cp' does not do that by itself.
stage_all() {
  local source name sources=()
  local -A is_taken=()
  for source; do
    source=${source%/}
    name=${source##*/}
    case $name in
      cups.py | pull.py | bachi.py | init.sh | cups | pull | bachi | cups.cjs | pull.cjs | bachi.cjs) continue ;;
      slurp-token | slurp-job.json | .slurp | .slurp-site) continue ;;
      odbc.ini)
        refuse_odbc "$source"
        continue
        ;;
    esac
    if [ -n "${is_taken[/$name]-}" ]; then
      copy_here "${sources[@]}" || return 1
      sources=() is_taken=()
    fi
    is_taken[/$name]=1
    sources+=("$source")
  done
  ((${#sources[@]} == 0)) || copy_here "${sources[@]}"
}

copy_here() {
  local source
  cp -RH --remove-destination -t . -- "$@" || return 1
  for source; do
    if [ -d "${source##*/}" ] && [ -n "$(find "${source##*/}" -name odbc.ini -print -delete)" ]; then
      refuse_odbc "$source"
    fi
  done
}

# Expands one item of the list relative to the submission's folder, as a shell does, and copies what it names.
stage_item() {
  local item=$1 sources
  case ${item%/} in
    . | .. | '') item='*' ;;
  esac
  local IFS=
  shopt -s nullglob
  # shellcheck disable=SC2206
  sources=("$subdir"/$item)
  # shellcheck disable=SC2206
  if [[ $item == /* && (${#sources[@]} == 0 || ! -e ${sources[0]}) ]]; then sources=($item); fi
  shopt -u nullglob
  if ((${#sources[@]} == 0)) || [ ! -e "${sources[0]}" ]; then
    case ${item##*/} in
      cups.py | pull.py | bachi.py | init.sh | odbc.ini) stage_all "$subdir/$item" && return 0 ;;
    esac
    case ${item%/} in .slurp | */.slurp) return 0 ;; esac
    say "There is no '$item' in '$subdir'"
    return 1
  fi
  if ! stage_all "${sources[@]}"; then
    say "'$item' cannot be copied from '$subdir'"
    return 1
  fi
}

stage() {
  local item list missing=()
  IFS=, read -ra list <<< "$items"
  for item in "${list[@]}"; do
    item=${item#"${item%%[![:space:]]*}"}
    item=${item%"${item##*[![:space:]]}"}
    [ -n "$item" ] || continue
    stage_item "$item" || missing+=("$item")
  done
  # A copy that the end of the job broke off is nobody's mistake.
  if [ -z "$stopped_by" ] && ((${#missing[@]} > 0)); then
    tell "Payload cannot be staged: ${missing[*]}" --error payload-stagein-failed
    return 1
  fi
}

# --- The container of the site ----------------------------------------------------------------------------------------

# Makes the command that stands before the script. Runtimes give the script a PATH and libraries of their own unless they
# are told; Node comes along, for 'cups' runs in there.
container=()
enter_container() {
  local runtime bind name node
  if ! runtime=$(command -v "$container_runtime"); then
    say "There is no program '$container_runtime' on this machine, to run '$container_image' with"
    tell "There is no '$container_runtime' on $HOSTNAME" --error payload-stagein-failed
    return 1
  fi
  if [[ $container_image != *://* && ! -e $container_image ]]; then
    say "There is no container image '$container_image' on this machine"
    tell "There is no container image '$container_image' on $HOSTNAME" --error payload-stagein-failed
    return 1
  fi
  container=("$runtime" exec --pwd "$SLURP_JOB_DIRECTORY" --bind "$SLURP_JOB_DIRECTORY")
  if node=$(readlink -f -- "$SLURP_NODE") && [ -n "$node" ]; then
    SLURP_NODE=$node
    container+=(--bind "$node")
  fi
  for bind in "${container_binds[@]}"; do container+=(--bind "$bind"); done
  container+=("$container_image")
  for name in APPTAINERENV SINGULARITYENV; do
    export "${name}_PATH=$PATH"
    [ -z "${LD_LIBRARY_PATH-}" ] || export "${name}_LD_LIBRARY_PATH=$LD_LIBRARY_PATH"
  done
}

# --- The job ----------------------------------------------------------------------------------------------------------

say "job $cupsid on $HOSTNAME: $userscript, files from $subdir: $payload"
put_commands

if ! [ -e cups.cjs ] || ! [ -e cups ]; then
  say "There is no 'cups' beside '$here/wrapper.sh', nor in SLURP_WORKER_DIRECTORY"
  exit 25
fi
assignments=$(./cups wrap-start)
status=$?
((status == 0)) || exit "$status"
is_told=1
mode='' setup_script='' container_runtime='' container_image='' container_binds=()
eval "$assignments"

if [ "$mode" = testbed ]; then
  export CUPS_TESTBED_MODE=true
  : > CUPS_TESTBED_MODE
else
  export CUPS_PRODUCTION_MODE=true
  : > CUPS_PRODUCTION_MODE
fi

# The build is named by the environment, else it is the seventh argument of the script, as in all rules so far.
if [ -n "$setup_script" ] && [ -r "$setup_script" ]; then
  # shellcheck disable=SC1090
  source "$setup_script" -n "${SLURP_BUILD:-${arguments[6]-}}"
fi
export PATH=$SLURP_JOB_DIRECTORY:$PATH${HOME:+:$HOME/bin}

[ -n "$stopped_by" ] || stage || exit 22

for name in sPHENIX_newcdb.json sPHENIX_newcdb_test.json; do
  if [ -e "$name" ]; then export NOPAYLOADCLIENT_CONF=$PWD/$name; fi
done

case $userscript in /*) script=$userscript ;; *) script=./$userscript ;; esac
if [ -z "$stopped_by" ] && [ ! -f "$script" ]; then
  say "There is no script '$userscript' among the staged files"
  tell "User script '$userscript' is missing" --error payload-stagein-failed
  exit 23
fi
if [ -f "$script" ] && [ ! -x "$script" ] && ! chmod u+x "$script"; then
  say "The script '$userscript' is not executable, and cannot be made so"
  tell "User script '$userscript' is not executable" --error payload-stagein-failed
  exit 23
fi
[ -z "$stopped_by" ] || exit 143

[ -z "$container_runtime" ] || enter_container || exit 26

# A process group of its own, so that a signal reaches the script and all that it started, at once; also in a container.
set -m
(
  export SLURP_PROCESS_GROUP=$BASHPID
  exec "${container[@]}" "$script" "${arguments[@]}"
) &
payload_group=$!
set +m
# A signal that came before there was a group to pass it to.
if [ -n "$stopped_by" ] && [ -z "$killer" ]; then on_signal "$stopped_by"; fi

# A trapped signal ends 'wait', not the script.
is_interrupted=1
while [ -n "$is_interrupted" ]; do
  is_interrupted=''
  wait "$payload_group"
  status=$?
done
exit "$status"
