#!/bin/bash
# Stands before a condor command on the PATH (by the links in bin/) and does to it what SLURP_FAULT says:
#
#   SLURP_FAULT='condor_submit=lost condor_q=cut'
#
# lost      the command does its work; its reply is swallowed, and it dies
# silent    the command does its work; it ends well and says nothing
# late      the command does its work and then hangs
# hang      nothing is done, for ever
# cut       half of its reply, and it ends well
# garbage   something else is printed, and it ends well
# away      what a command says to whom the schedd does not answer
# refuse    what condor_submit says when the schedd's limit is reached
# broken    the connection is lost in the middle of the commit
# plain     the schedd has no job factories
#
# A command that is not named is run as it is. SLURP_FAULT_LOG: a file that gets a line for each call.
name=${0##*/}
here=$(cd "$(dirname "$0")" && pwd)
PATH=${PATH//$here:/}
[ -z "${SLURP_FAULT_LOG:-}" ] || echo "$name" >> "$SLURP_FAULT_LOG"

fault=''
for word in ${SLURP_FAULT:-}; do
  case $word in "$name="*) fault=${word#*=} ;; esac
done

case $fault in
  '') exec "$name" "$@" ;;
  lost)
    "$name" "$@" > /dev/null 2>&1
    kill -KILL $$
    ;;
  silent)
    "$name" "$@" > /dev/null 2>&1
    exit 0
    ;;
  late)
    "$name" "$@" > /dev/null 2>&1
    exec sleep 600
    ;;
  hang) exec sleep 600 ;;
  cut)
    reply=$("$name" "$@")
    printf '%s' "${reply:0:$((${#reply} / 2))}"
    exit 0
    ;;
  garbage)
    echo '<html>502 Bad Gateway</html>'
    exit 0
    ;;
  away)
    case $name in
      condor_submit) printf '\nERROR: Failed to connect to local queue manager\nCEDAR:6001:Failed to connect to <127.0.0.1:9618>\n' >&2 ;;
      *) printf '\n-- Failed to fetch ads from: <127.0.0.1:9618> : host\nCEDAR:6001:Failed to connect to <127.0.0.1:9618>\n' >&2 ;;
    esac
    exit 1
    ;;
  refuse)
    printf 'Submitting job(s)\nERROR: Failed to commit job submission into the queue.\nERROR: Number of submitted jobs would exceed MAX_JOBS_PER_OWNER\n' >&2
    exit 1
    ;;
  broken)
    printf 'Submitting job(s)\nERROR: Failed to commit job submission into the queue.\n' >&2
    exit 1
    ;;
  plain)
    # The description is the last argument.
    if grep -qE '^max_(materialize|idle) ' "${!#}"; then
      printf '\nERROR: Late materialization is not allowed by this SCHEDD\n' >&2
      exit 1
    fi
    exec "$name" "$@"
    ;;
  *)
    echo "fault.sh: unknown fault '$fault'" >&2
    exit 64
    ;;
esac
