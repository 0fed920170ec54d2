#!/bin/sh
# The demo on local jobs, or with BATCH=htcondor on this site's HTCondor; where there is none, on the pool of the tests,
# as that pool's user.
#
# usage: scripts/demo.sh [OPTIONS OF scripts/demo/main.ts]
set -u
cd "$(dirname -- "$0")/.." || exit 1
batch=${BATCH:-local}

if [ "$batch" != htcondor ] || command -v condor_submit > /dev/null; then
  exec node --import tsx scripts/demo/main.ts --batch "$batch" "$@"
fi

work=$(mktemp -d)
trap 'test/pool/stop.sh --state-file "$work/state" > /dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "demo: no condor_submit here: starting the pool of the tests (its first start takes minutes) …" >&2
if ! launchers=$(test/pool/start.sh --state-file "$work/state" 2> "$work/said"); then
  cat "$work/said" >&2
  echo "demo: HTCondor is not installed on this machine, and a test pool cannot be started: see above" >&2
  exit 1
fi
PATH=$(echo "$launchers" | tail -n 1):$PATH
# Jobs are the pool's user and write there; a directory of its own, for the demo's other one belongs to whoever ran it.
SLURP_DEMO_DIR=${SLURP_DEMO_DIR:-$PWD/demo-htcondor}
SLURP_DEMO_RUN_AS=$PWD/test/pool/run-as.sh
export PATH SLURP_DEMO_DIR SLURP_DEMO_RUN_AS
mkdir -p "$SLURP_DEMO_DIR"
[ "$(id -u)" != 0 ] || chown "$(test/pool/run-as.sh id -u)" "$SLURP_DEMO_DIR"
test/pool/run-as.sh node --import tsx scripts/demo/main.ts --batch htcondor "$@"
