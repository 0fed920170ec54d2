# shellcheck shell=bash
# What the pool scripts share; sourced, never run.
# shellcheck disable=SC2034 # used by those who source it

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd "$here/../.." && pwd -P)

pool_dir=${SLURP_POOL_DIR:-/var/lib/slurp-test-pool}
root=$pool_dir/root       # Debian 13 with HTCondor
bin=$pool_dir/bin         # launchers: condor_submit, condor_q, …
user_file=$pool_dir/user  # "UID GID NAME" of the user that root's launchers submit as

# Not condor's own 9618, so that a real HTCondor of this machine is left alone.
pool_port=${SLURP_POOL_PORT:-29618}

# The bootstrap is done again if this number differs from the one in the directory.
recipe=1

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }
# 75 (EX_TEMPFAIL): this machine can't, which is not a fault of the pool. Callers skip.
cannot() { say "$*"; exit 75; }

is_root() { [ "$(id -u)" = 0 ]; }

# Processes of the pool, by what they have as root directory: jobs and orphans included, other HTCondors not.
# The inode is compared and not the link's text, because the pool lives in a mount namespace of its own.
# usage: pool_pids [command name]
pool_pids() {
  local want pid
  want=$(stat -c %d:%i "$root" 2>/dev/null) || return 0
  stat -L -c '%n %d:%i' /proc/[0-9]*/root 2>/dev/null | while read -r path inode; do
    [ "$inode" = "$want" ] || continue
    pid=${path#/proc/} pid=${pid%%/*}
    [ -z "${1:-}" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] || continue
    echo "$pid"
  done
}

# The master's pid; empty when the pool is down. A fork that has not yet become a daemon has the same name: oldest first.
master_pid() { pool_pids condor_master | sort -n | head -n 1; }

# The comm of a process is cut at 15 bytes; condor_schedd has 13.
schedd_pid() { pool_pids condor_schedd | sort -n | head -n 1; }

# usage: wait_until SECONDS COMMAND… ; tries ten times a second
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# One start or stop at a time. Children inherit descriptor 9 on purpose: a bootstrap whose parent was killed
# keeps the lock until it has really ended. Daemons must close it (9>&-). The limit is for a busy machine.
take_lock() {
  mkdir -p "$pool_dir" || die "can't make $pool_dir: set SLURP_POOL_DIR to a directory that can be made"
  exec 9>"$pool_dir/lock"
  flock -n 9 && return
  say "another start or stop of this pool is at work; waiting up to 600 s for it"
  flock -w 600 9 || die "$pool_dir/lock is still held after 600 s; look for hanging processes with: fuser -v $pool_dir/lock"
}

pool_answers() {
  [ -n "$(timeout 10 "$bin/condor_status" -af Name 2>/dev/null)" ] && schedd_answers
}

schedd_answers() {
  timeout 10 "$bin/condor_q" -totals >/dev/null 2>&1
}
