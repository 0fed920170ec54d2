#!/bin/bash
# Faults of the schedd alone, for torture tests.
#
# usage: schedd.sh stop    shut it down and keep it down; returns when it is gone
#        schedd.sh start   bring it back; returns when it answers (does nothing if it runs)
#        schedd.sh kill    kill -9; the master starts it again after about two seconds
set -eu
. "$(dirname "$0")/common.sh"

is_root || die "this needs root"
[ -n "$(master_pid)" ] || die "the pool is not up; start it with test/pool/start.sh"

is_gone() { [ -z "$(schedd_pid)" ]; }

case ${1:-} in
  stop)
    "$bin/condor_off" -fast -daemon schedd >/dev/null
    wait_until 20 is_gone || die "the schedd still runs after 20 s (pid $(schedd_pid))"
    ;;
  start)
    "$bin/condor_on" -daemon schedd >/dev/null
    wait_until 30 schedd_answers || die "the schedd does not answer after 30 s; see $root/var/log/condor/SchedLog"
    ;;
  kill)
    pid=$(schedd_pid)
    [ -n "$pid" ] || die "no schedd runs"
    kill -9 "$pid"
    ;;
  *) die "usage: schedd.sh stop|start|kill" ;;
esac
