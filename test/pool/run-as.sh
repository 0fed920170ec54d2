#!/bin/bash
# Runs a command on this machine as the user that submits to the test pool, with the pool's commands first on the
# PATH: SLURP itself, so that what it writes and what its jobs write have one owner.
#
# usage: run-as.sh COMMAND [ARGUMENT…]
set -eu
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || die "usage: run-as.sh COMMAND [ARGUMENT…]"
[ -r "$user_file" ] || die "no pool in $pool_dir yet; start it with test/pool/start.sh"
read -r uid _ name <"$user_file"

export PATH="$bin:$PATH"
if ! is_root; then
  [ "$(id -u)" = "$uid" ] || die "you are uid $(id -u), the pool's user is $uid: run this as root or as that user"
  exec "$@"
fi

# A checkout below a private directory (/root, mktemp -d) can't be read by that user. He keeps the right to read; not
# the right to write, and not for his jobs.
caps=--inh-caps=-all
if ! "$pool_dir/as-user" "$caps" -- test -x "$checkout/test/pool"; then
  caps='--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search'
fi
export HOME="$pool_dir/home" USER="$name" LOGNAME="$name"
# shellcheck disable=SC2086 # two options in one word
exec "$pool_dir/as-user" $caps -- "$@"
