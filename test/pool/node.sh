#!/bin/bash
# Adds a machine to a pool that is up: a startd with a host name of its own, in the pool's chroot. Safe to run again. Jobs
# see the name by `hostname`, HTCondor calls the machine that (Machine). It ends with the pool.
#
# usage, as root: node.sh NAME [CPUS]
set -eu
. "$(dirname "$0")/common.sh"

name=${1:?usage: node.sh NAME [CPUS]} cpus=${2:-4}
case $name in *[!a-z0-9-]*) die "'$name' is not a valid host name: expected letters, digits and '-'" ;; esac
is_root || cannot "a host name of its own needs root"

has_node() { [ -n "$(timeout 10 "$bin/condor_status" -af Name -constraint "Machine == \"$name.localdomain\"" 2>/dev/null)" ]; }

take_lock
master=$(master_pid)
[ -n "$master" ] || die "no pool is up: call start.sh first"
if has_node; then exit 0; fi

# Users and files are those of the first machine; else jobs would run as 'nobody'.
first=$(timeout 10 "$bin/condor_status" -schedd -af Machine | head -n 1)
# A directory of its own for each, and no shared port: that is the first master's.
settings=(
  "DAEMON_LIST=MASTER, STARTD" "NETWORK_HOSTNAME=$name.localdomain" USE_SHARED_PORT=false
  "NUM_CPUS=$cpus" "LOG=/var/log/condor-$name" "LOCK=/run/lock/condor-$name" "RUN=/run/condor-$name"
  "SPOOL=/var/spool/condor-$name" "EXECUTE=/var/lib/condor-$name/execute" "MASTER_NAME=$name"
  # The first master's collector is of another family.
  SEC_USE_FAMILY_SESSION=false
  "UID_DOMAIN=$first" "FILESYSTEM_DOMAIN=$first"
)
for directory in "/var/log/condor-$name" "/run/lock/condor-$name" "/run/condor-$name" "/var/spool/condor-$name" \
  "/var/lib/condor-$name/execute"; do
  chroot "$root" install -d -o condor -g condor -m 755 "$directory"
done
# shellcheck disable=SC2016 # expanded in there
nsenter --mount="/proc/$master/ns/mnt" -- unshare --uts -- bash -c 'hostname "$2"; shift 2; exec "$@"' - "$root" "$name" \
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${settings[@]/#/_CONDOR_}" chroot "$root" condor_master \
  9>&- </dev/null >"$root/var/log/condor-$name/launch.log" 2>&1 ||
  die "condor_master of '$name' did not start: $(tail -n 1 "$root/var/log/condor-$name/launch.log")"
wait_until "${SLURP_POOL_WAIT:-60}" has_node || die "'$name' does not join the pool; look into $root/var/log/condor-$name"
say "'$name' has joined the pool ($SECONDS s)"
