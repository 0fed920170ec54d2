#!/bin/sh
# npm run check: all checks, two at a time; all failures are reported. If nothing has changed since all checks passed, it
# says so and runs nothing. Every check reads nearly all files, so one digest of all files is enough.
set -eu
cd "$(dirname -- "$0")/.."
checks='types lint format:check rooms dead house'
passed=node_modules/.cache/checks-passed

# What the checks read: the files of the checkout, the commits whose titles are checked, the tools. Empty without git.
state() {
  head=$(git rev-parse --verify HEAD 2> /dev/null) || return 0
  {
    echo "$head"
    git ls-files -z --cached --others --exclude-standard --deduplicate | xargs -0 sha256sum 2> /dev/null
    node --version
    cat node_modules/.package-lock.json
  } | sha256sum
}

before=$(state)
if [ -n "$before" ] && [ "$before" = "$(cat "$passed" 2> /dev/null)" ]; then
  echo "check: nothing has changed since all checks passed (rm $passed checks again)"
  exit 0
fi

said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
status=0
# shellcheck disable=SC2016 # the inner shell expands it
echo "$checks" | tr ' ' '\n' | xargs -n 1 -P 2 sh -c '
  npm run --silent "$1" > "$0/$1" 2>&1 || echo "check: $1 failed" >> "$0/failed"
' "$said" || status=1
for check in $checks; do cat "$said/$check"; done
if [ -s "$said/failed" ]; then
  cat "$said/failed" >&2
  status=1
fi
if [ "$status" = 0 ] && [ -n "$before" ] && [ "$before" = "$(state)" ]; then
  mkdir -p "$(dirname "$passed")"
  echo "$before" > "$passed"
fi
exit "$status"
