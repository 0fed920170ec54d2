#!/bin/sh
# Installs the packages and builds the commands, where that is not done yet.
#   scripts/set-up.sh            install if package-lock.json changed, build always
#   scripts/set-up.sh --if-missing FILE   do nothing if this command was built
# Two at once are fine: the second waits for the first. Says what it does on stderr.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
cd "$root"

die() { echo "slurp: $1" >&2; exit 3; }

command -v node > /dev/null || die "There is no 'node' on the PATH: Node 20.19 or later is needed"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  die "'node' is $(node --version): Node 20.19 or later is needed"

# Under one lock (on a file that stays, for npm ci empties node_modules); where there is no flock, without.
if [ -z "${SLURP_SET_UP_LOCKED:-}" ] && command -v flock > /dev/null; then
  SLURP_SET_UP_LOCKED=1 exec flock package.json sh "$root/scripts/set-up.sh" "$@"
fi
unset SLURP_SET_UP_LOCKED

if [ "${1:-}" = --if-missing ] && [ -e dist/.complete ] && [ -e "$2" ]; then exit 0; fi

stamp=node_modules/.slurp-installed
if ! cmp -s package-lock.json "$stamp"; then
  command -v npm > /dev/null || die "There is no 'npm' on the PATH: it is needed once, to install the packages"
  echo 'slurp: installing packages (npm ci), once' >&2
  # Accounts without a home of their own (nobody, daemons) have no place for npm's cache.
  if [ ! -w "${HOME:-/nonexistent}" ]; then
    npm_config_cache=$(mktemp -d)
    export npm_config_cache
    trap 'rm -rf "$npm_config_cache"' EXIT
  fi
  # No package that we use needs an install script.
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2 ||
    die "The packages could not be installed: see what npm said above"
  cp package-lock.json "$stamp"
fi

[ -e dist/.complete ] || echo 'slurp: building the commands, once' >&2
node --import tsx scripts/build.ts || die 'The commands could not be built: see above'
: > dist/.complete
