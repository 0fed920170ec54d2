#!/bin/sh
# make test: all checks, then all tests. The last lines name the counts, and what was left out and why.
set -eu
cd "$(dirname -- "$0")/.."
# What a user's shell says about sites is not for tests.
unset SLURP_SITE SLURP_DEMO_DIR cupsid
npm run --silent check

# Each run of the test runner adds its closing lines (test/setup/closing-lines.ts); the pool's runs as another account.
SLURP_CLOSING_LINES=$(mktemp)
export SLURP_CLOSING_LINES
chmod 0666 "$SLURP_CLOSING_LINES"
trap 'rm -f "$SLURP_CLOSING_LINES"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# One after the other: side by side they were no faster on two cores, and tests timed out.
status=0
node node_modules/vitest/vitest.mjs run || status=$?
sh scripts/test-pool.sh || status=$?
sh scripts/trial.sh torture --seconds 30 || status=$?
# The same as 'make campaign', with few jobs.
sh scripts/trial.sh campaign --runs 3 --segments 2 || status=$?
echo
cat "$SLURP_CLOSING_LINES"
[ "$status" = 0 ] || echo "make test: FAILED"
exit "$status"
