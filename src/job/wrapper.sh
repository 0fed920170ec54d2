#!/bin/bash
# Runs a user's script as a job: asks whether the job is wanted, brings the script's files, runs it, passes signals on,
# and makes sure that every report reaches the site.
#
#   wrapper.sh SCRIPT ARG... SUBDIR ITEMS CUPSID      the script gets ARG... SUBDIR ITEMS CUPSID
#
# SUBDIR is the directory that stands for the submit directory, ITEMS a comma list of what to copy from there (globs,
# directories). The exit code
# is the script's own, or: 2 wrong arguments, 3 no slurp-job.json or slurp-token, 22 an item could not be copied, 23 no
# such script, 24 the job is not wanted, 25 no Node, 26 no container. See docs/worker.md.

if (($# < 4)); then
  printf 'wrapper: Too few arguments (%s): expected SCRIPT ARG... SUBDIR ITEMS CUPSID\n' $# >&2
  exit 2
fi

export userscript=$1 cupsid=${!#} subdir=${*: -3:1}
items=${*: -2:1}
export payload=${items//,/ }
shift
# The site's setup may change the positional parameters.
arguments=("$@")
cd -- "${SLURP_JOB_DIRECTORY:=$PWD}" || exit 3

here=$(readlink -f -- "$0")
for worker in "${here%/*}" "${SLURP_WORKER_DIRECTORY:-.}" .; do
  [ -e "$worker/slurp-supervise.sh" ] && break
done
# A payload that does not end when it is asked to; batch systems kill the rest 20 to 30 s after TERM.
speaker=wrapper grace_seconds=${SLURP_GRACE_SECONDS:-12} keeps_signal=''
# shellcheck source=SCRIPTDIR/slurp-supervise.sh
. "$worker/slurp-supervise.sh" || exit 25
begin_supervision

report_end() { ./cups wrap-end "$1" "$stopped_by"; }

# --- The files of the script ------------------------------------------------------------------------------------------

is_odbc_told=''
refuse_odbc() {
  [ -n "$is_odbc_told" ] || say "odbc.ini is not staged: jobs have no access to databases ($1)"
  is_odbc_told=1
}

# Copies files and directories; names that are ours, secrets and the site itself are passed over. Of two files of one name
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
  local source sources=() dangling=()
  for source; do
    if [ -e "$source" ]; then sources+=("$source"); else dangling+=("$source"); fi
  done
  # A link that leads nowhere stays one, as deeper in a directory.
  if ((${#dangling[@]} > 0)); then cp -P --remove-destination -t . -- "${dangling[@]}" || return 1; fi
  ((${#sources[@]} > 0)) || return 0
  cp -RH --remove-destination -t . -- "${sources[@]}" || return 1
  # Snapshots are read-only; these copies are the script's own.
  chmod -R u+w -- "${sources[@]##*/}" || return 1
  for source in "${sources[@]}"; do
    if [ -d "${source##*/}" ] && [ -n "$(find "${source##*/}" -name odbc.ini -print -delete)" ]; then
      refuse_odbc "$source"
    fi
  done
}

# Expands one item of the list relative to SUBDIR, as a shell does, and copies what it names.
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
  if [[ $item == /* && (${#sources[@]} == 0 || ! -e ${sources[0]} && ! -L ${sources[0]}) ]]; then sources=($item); fi
  shopt -u nullglob
  if ((${#sources[@]} == 0)) || [[ ! -e ${sources[0]} && ! -L ${sources[0]} ]]; then
    case ${item##*/} in
      cups.py | pull.py | bachi.py | init.sh | odbc.ini) stage_all "$subdir/$item" && return 0 ;;
    esac
    case ${item%/} in .slurp | */.slurp) return 0 ;; esac
    say "'$item' does not exist in '$subdir'"
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
  # A copy that the end of the job broke off is not a mistake.
  if [ -z "$stopped_by" ] && ((${#missing[@]} > 0)); then
    report "Payload cannot be staged: ${missing[*]}" --error payload-stagein-failed
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
    say "Program '$container_runtime', which runs '$container_image', is not installed on this machine"
    report "Program '$container_runtime' is not installed on $HOSTNAME" --error payload-stagein-failed
    return 1
  fi
  if [[ $container_image != *://* && ! -e $container_image ]]; then
    say "Container image '$container_image' does not exist on this machine"
    report "Container image '$container_image' does not exist on $HOSTNAME" --error payload-stagein-failed
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
put_commands "$worker"

if ! [ -e cups.cjs ] || ! [ -e cups ]; then
  say "'cups' is neither next to '$here' nor in SLURP_WORKER_DIRECTORY"
  exit 25
fi
report_start() { exec ./cups wrap-start; }
ask_start || exit
mode='' setup_script='' container_runtime='' container_image='' container_binds=()
eval "$answer"

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
  say "Script '$userscript' is not among the staged files"
  report "User script '$userscript' is missing" --error payload-stagein-failed
  exit 23
fi
if [ -f "$script" ] && [ ! -x "$script" ] && ! chmod u+x "$script"; then
  say "The script '$userscript' is not executable, and chmod failed"
  report "User script '$userscript' is not executable" --error payload-stagein-failed
  exit 23
fi
[ -z "$stopped_by" ] || exit 143

[ -z "$container_runtime" ] || enter_container || exit 26

start_script() { exec "${container[@]}" "$script" "${arguments[@]}"; }
run_payload start_script
