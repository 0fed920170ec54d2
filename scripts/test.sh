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
said=$(mktemp)
beside=''
# The other lane is a process group of its own; it puts its pools away itself.
leave() {
  if [ -n "$beside" ] && kill -s TERM -- "-$beside" 2> /dev/null; then wait "$beside" || true; fi
  rm -f "$SLURP_CLOSING_LINES" "$said"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Two lanes: what HTCondor runs mostly waits for it, and the other tests mostly compute.
status=0
setsid sh -c 'status=0
  sh scripts/test-pool.sh || status=$?
  sh scripts/torture.sh --seconds 30 || status=$?
  exit "$status"' > "$said" 2>&1 &
beside=$!
node node_modules/vitest/vitest.mjs run || status=$?
wait "$beside" || status=$?
beside=''
cat "$said"
echo
cat "$SLURP_CLOSING_LINES"
[ "$status" = 0 ] || echo "make test: FAILED"
exit "$status"
