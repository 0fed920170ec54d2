#!/bin/bash
# Stops the test pool: politely, then surely. Its mounts vanish with its last process.
#
# usage: stop.sh [--state-file FILE] [--purge]
#   --state-file FILE  do nothing unless start.sh wrote "started" there
#   --purge            also remove the directory (the next start bootstraps again)
set -eu
. "$(dirname "$0")/common.sh"

purge='' state_file=''
while [ $# -gt 0 ]; do
  case $1 in
    --state-file) state_file=${2:?--state-file needs a file}; shift 2 ;;
    --purge) purge=yes; shift ;;
    *) die "unknown option $1; usage: stop.sh [--state-file FILE] [--purge]" ;;
  esac
done
if [ -n "$state_file" ] && [ "$(cat "$state_file" 2>/dev/null)" != started ]; then
  say "left alone: the pool was not started by this run"
  exit 0
fi
[ -d "$pool_dir" ] || { say "no pool in $pool_dir"; exit 0; }
is_root || die "stopping the pool needs root"

is_empty() { [ -z "$(pool_pids)" ]; }

signal_all() {
  local pid
  for pid in $(pool_pids); do kill "-$1" "$pid" 2>/dev/null || true; done
}

take_lock
if ! is_empty; then
  timeout 10 "$bin/condor_off" -all -fast -master >/dev/null 2>&1 || true
  if ! wait_until 15 is_empty; then
    say "still running after 15 s: $(pool_pids | tr '\n' ' '); killing"
    signal_all KILL
    wait_until 10 is_empty || die "these processes can't be killed: $(pool_pids | tr '\n' ' ')"
  fi
fi
[ -z "$state_file" ] || rm -f "$state_file"

if [ -n "$purge" ]; then
  # Nothing is ever deleted through a mount, not even through one that another process made in there.
  if awk '{ print $5 }' /proc/self/mountinfo | grep -qF "$pool_dir/"; then
    die "something is mounted below $pool_dir; unmount it first: $(awk '{ print $5 }' /proc/self/mountinfo | grep -F "$pool_dir/" | tr '\n' ' ')"
  fi
  for name in root root.new bin home launch launch.log as-user client_config user passwd bootstrap.log lock; do
    rm -rf --one-file-system -- "${pool_dir:?}/$name"
  done
  rmdir "$pool_dir" 2>/dev/null || say "left $pool_dir: it holds files that are not the pool's"
fi
say "stopped ($SECONDS s)"
