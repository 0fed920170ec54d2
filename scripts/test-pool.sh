#!/bin/sh
# The suites that need a real HTCondor: on the one of this site if there is one, else on a pool of our own. Where none can
# be had they are left out and that is said; under CI it is a failure.
set -u
cd "$(dirname -- "$0")/.." || exit 1
suites='test/**/*.pool.test.ts'
closing=${SLURP_CLOSING_LINES:-/dev/stderr}

if command -v condor_submit > /dev/null; then
  exec node node_modules/vitest/vitest.mjs run --configLoader runner --config vitest.pool.config.ts
fi

work=$(mktemp -d)
trap 'test/pool/stop.sh --state-file "$work/state" > /dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

launchers=$(test/pool/start.sh --state-file "$work/state" 2> "$work/said")
started=$?
if [ "$started" = 75 ] && [ -z "${CI:-}" ]; then
  echo "left out: $suites: $(tail -n 1 "$work/said")" >> "$closing"
  exit 0
fi
if [ "$started" != 0 ]; then
  cat "$work/said" >&2
  echo "failed: $suites: no HTCondor pool: $(tail -n 1 "$work/said")" >> "$closing"
  exit 1
fi
PATH=$(echo "$launchers" | tail -n 1):$PATH
export PATH
test/pool/run-as.sh node node_modules/vitest/vitest.mjs run --configLoader runner --config vitest.pool.config.ts
