#!/bin/sh
# Starts the command of this file's name (cups, or cups.py for old scripts): NAME.cjs stands beside this file, or beside
# what it links to. Node is $SLURP_NODE, else the one on the PATH.
self=$0
[ -h "$self" ] && self=$(readlink -f -- "$self")
case $self in */*) here=${self%/*} ;; *) here=. ;; esac
name=${0##*/}
name=${name%.py}
for directory in "$here" "${SLURP_JOB_DIRECTORY:-${_CONDOR_SCRATCH_DIR:-.}}" "${SLURP_WORKER_DIRECTORY:-.}"; do
  program=$directory/$name.cjs
  [ -e "$program" ] && break
done
if [ ! -e "$program" ]; then
  echo "$name: '$name.cjs' is neither next to '$self' nor in SLURP_WORKER_DIRECTORY" >&2
  exit 25
fi
# Software of an experiment brings libraries of its own, which Node must not get.
if [ "${SLURP_LIBRARY_PATH+set}" = set ]; then
  LD_LIBRARY_PATH=$SLURP_LIBRARY_PATH
  [ -n "$LD_LIBRARY_PATH" ] || unset LD_LIBRARY_PATH
fi
unset NODE_OPTIONS
node=${SLURP_NODE:-node}
if ! command -v "$node" > /dev/null; then
  echo "$name: Program '$node' is not installed on this machine: set SLURP_NODE, or put node (20.19 or later) on the PATH" >&2
  exit 25
fi
exec "$node" "$program" "$@"
