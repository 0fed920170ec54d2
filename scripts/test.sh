#!/bin/sh
# make test: all checks, then all tests. The last lines name the count, and what was left out and why.
set -eu
cd "$(dirname -- "$0")/.."
# What a user's shell says about sites is not for tests.
unset SLURP_SITE cupsid
npm run --silent check
exec node node_modules/vitest/vitest.mjs run
