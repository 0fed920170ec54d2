#!/bin/bash
# Tells whether the test pool is up: exit 0 and a few facts, or exit 1 and the reason.
set -eu
. "$(dirname "$0")/common.sh"

[ -x "$bin/condor_status" ] || die "no pool in $pool_dir; start it with test/pool/start.sh"
pool_answers || die "the pool in $pool_dir does not answer; start it with test/pool/start.sh"
read -r uid gid name <"$user_file"
echo "path: $bin"
echo "user: $name ($uid:$gid)"
echo "version: $("$bin/condor_version" | sed -n 's/^.CondorVersion: \([^ ]*\).*/\1/p')"
echo "cpus: $("$bin/condor_status" -af TotalSlotCpus | head -n 1)"
echo "jobs: $("$bin/condor_q" -allusers -totals | sed -n 's/^Total for all users: //p')"
if is_root; then echo "master: $(master_pid)"; fi
echo "logs: $root/var/log/condor"
