#!/bin/sh
# make test: all checks, and all tests. What needs HTCondor mostly waits, so it runs beside the rest; its output comes after
# the rest's. The last lines name the counts, and what was left out and why.
#
#   scripts/test.sh             all
#   scripts/test.sh --htcondor  only what needs HTCondor
set -eu
cd "$(dirname -- "$0")/.."
# What a user's shell says about sites is not for tests.
unset SLURP_SITE SLURP_DEMO_DIR cupsid

if [ "${1:-}" = --htcondor ]; then
  status=0
  sh scripts/test-pool.sh || status=$?
  sh scripts/torture.sh --seconds 30 || status=$?
  exit "$status"
fi

# Each run of the test runner adds its closing lines (test/setup/closing-lines.ts); the pool's runs as another account.
work=$(mktemp -d)
chmod 0755 "$work"
SLURP_CLOSING_LINES=$work/closing-lines
export SLURP_CLOSING_LINES
: > "$SLURP_CLOSING_LINES"
chmod 0666 "$SLURP_CLOSING_LINES"

status=0
npm run --silent check || status=$?

# A session of its own, so that it can be ended as a whole.
setsid sh scripts/test.sh --htcondor > "$work/htcondor" 2>&1 < /dev/null &
beside=$!
trap 'kill -- "-$beside" 2> /dev/null && wait "$beside"; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

node node_modules/vitest/vitest.mjs run || status=$?
! kill -0 "$beside" 2> /dev/null || echo 'make test: waiting for the tests on HTCondor'
wait "$beside" || status=$?
cat "$work/htcondor"
echo
cat "$SLURP_CLOSING_LINES"
[ "$status" = 0 ] || echo "make test: FAILED"
exit "$status"
