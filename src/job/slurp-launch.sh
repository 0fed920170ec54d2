#!/bin/bash -p
# Runs a rule's own program as a job, under supervision: it gets the arguments, the directory, the environment and the
# streams that it would have without us.
#
#   slurp-launch.sh ARG...     SLURP_PROGRAM is the program: a name where it was brought here as 'slurp-program', or an
#                              absolute path where it is started in its place
#
# Ends as the program does (exit code or signal), or with 23 if it cannot be started, 24 if the job is not wanted. Where
# reports are not possible (no Node, no slurp-job.json) the program runs all the same. See docs/worker.md.

# As it was before this shell: shells add and change variables, and '-p' leaves functions out.
environment=()
while IFS= read -r -d '' entry; do
  case $entry in SLURP_PROGRAM=*) ;; *=*) environment+=("$entry") ;; esac
done < "/proc/$$/environ"

speaker=launcher grace_seconds=${SLURP_GRACE_SECONDS:-} keeps_signal=1
here=$(readlink -f -- "$0")
for worker in "${here%/*}" "${SLURP_WORKER_DIRECTORY:-.}" .; do
  [ -e "$worker/slurp-supervise.sh" ] && break
done
# shellcheck source=SCRIPTDIR/slurp-supervise.sh
. "$worker/slurp-supervise.sh"

# Silent as long as all reports are where they are looked for.
report_end() {
  local words
  words=$(./cups wrap-end "$1" "$stopped_by" < /dev/null 2>&1) || printf '%s\n' "$words" >&"$job_stderr"
}

report_start() { exec ./cups wrap-start 2>&1 > /dev/null; }

# A job that cannot report is a job all the same.
ask_fence() {
  local status
  ask_start && return
  status=$?
  printf '%s' "$answer" >&"$job_stderr"
  if ((status == 24)); then exit 24; fi
  [ -n "$stopped_by" ] || say "the program runs without supervision (exit code $status of 'cups')"
}

refuse() {
  say "$1"
  [ -z "$is_told" ] || report "$1" --error payload-stagein-failed
  exit 23
}

# Finds the program, and gives it the name that it has for the rule, unless another file has that name here.
place_program() {
  local name=$SLURP_PROGRAM first interpreter
  case $name in
    /*) program=$name ;;
    *)
      program=${_CONDOR_SCRATCH_DIR:-$PWD}/$name
      if [ -e "$program" ] && ! cmp -s -- "$program" slurp-program; then
        program=${program%/*}/slurp-program
      elif [ -e slurp-program ]; then
        mv -f -- slurp-program "$program"
      fi
      chmod 0755 -- "$program"
      ;;
  esac
  [ -f "$program" ] || refuse "Program '$program' does not exist on $HOSTNAME"
  [ -x "$program" ] || refuse "The program '$program' on $HOSTNAME is not executable: chmod +x, or leave 'transfer_executable' out"
  IFS= read -r -n 256 first 2> /dev/null < "$program"
  if [[ $first == '#!'* ]]; then
    read -r interpreter _ <<< "${first#'#!'}"
    [ -x "$interpreter" ] || refuse "The program '$name' begins with '#!$interpreter', which $HOSTNAME does not have"
  fi
}

start_program() {
  local name
  for name in SLURP_JOB_DIRECTORY SLURP_LIBRARY_PATH SLURP_NODE SLURP_WRAPPER_PROCESS SLURP_PROCESS_GROUP; do
    environment+=("$name=${!name}")
  done
  # 'env' takes a path with '=' for one more variable.
  case $program in
    *=*) exec "$env" -i "${environment[@]}" /bin/sh -c 'exec "$0" "$@"' "$program" "$@" ;;
    *) exec "$env" -i "${environment[@]}" "$program" "$@" ;;
  esac
}

env=$(command -pv env)
put_commands "$worker"
begin_supervision
ask_fence
place_program
[ -z "$stopped_by" ] || exit 143
run_payload start_program "$@"
