#!/bin/sh
# A trial of the whole: torture kills everything at random, heals it, and counts (test/torture); campaign runs a chain of
# rules whose jobs fail, and compares what is left (test/campaign). On a second HTCondor pool of its own, so that its schedd
# can be killed too; on the HTCondor of this site, with its schedd left alone; on local jobs where neither can be had, which
# is said, and a failure under CI. BATCH=local or BATCH=htcondor chooses.
#
# usage: scripts/trial.sh torture|campaign [OPTIONS OF test/NAME/main.ts]
set -u
cd "$(dirname -- "$0")/.." || exit 1
closing=${SLURP_CLOSING_LINES:-/dev/stderr}
batch=${BATCH:-}
name=$1
shift

try() {
  node --import tsx "test/$name/main.ts" "$@"
}

if [ "$batch" = local ]; then
  try --batch local "$@"
  exit
fi
if command -v condor_submit > /dev/null; then
  echo "$name: the schedd of this site's own HTCondor is left alone" >> "$closing"
  try --batch htcondor "$@"
  exit
fi

work=$(mktemp -d)
trap 'test/pool/stop.sh --state-file "$work/state" > /dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Beside the pool of the other tests, whose schedd must not be stopped; what that one has bootstrapped is copied.
shared=${SLURP_POOL_DIR:-/var/lib/slurp-test-pool}
SLURP_POOL_LIKE=$shared
SLURP_POOL_DIR=${SLURP_TORTURE_POOL_DIR:-$shared-torture}
SLURP_POOL_PORT=$((${SLURP_POOL_PORT:-29618} + 1))
export SLURP_POOL_LIKE SLURP_POOL_DIR SLURP_POOL_PORT
launchers=$(test/pool/start.sh --state-file "$work/state" 2> "$work/said")
started=$?
if [ "$started" = 75 ] && [ -z "${CI:-}" ] && [ -z "$batch" ]; then
  echo "$name: on local jobs, not on HTCondor: $(tail -n 1 "$work/said")" >> "$closing"
  try --batch local "$@"
  exit
fi
if [ "$started" != 0 ]; then
  cat "$work/said" >&2
  echo "failed: $name: no HTCondor pool: $(tail -n 1 "$work/said")" >> "$closing"
  exit 1
fi
PATH=$(echo "$launchers" | tail -n 1):$PATH
export PATH
if [ "$name" = campaign ] && ! test/pool/node.sh bad 2; then
  echo "failed: campaign: the pool has no second machine" >> "$closing"
  exit 1
fi
try --batch htcondor --schedd-faults "$@"
