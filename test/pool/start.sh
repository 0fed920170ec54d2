#!/bin/bash
# Brings up a one-machine HTCondor pool for the tests. Safe to run again at any time: see README.md.
#
# usage: start.sh [--state-file FILE] [--keep-queue]
#   --state-file FILE  write "started" or "already-running", so that the caller stops only what it started
#                      (stop.sh --state-file FILE)
#   --keep-queue       a pool that was down comes up with the jobs it had; otherwise with an empty queue
#
# Last line of stdout: the directory of launchers to put on the PATH. All the rest goes to stderr.
# Exit: 0 up, 75 this machine can't (not root, no network, no mounts), 1 anything else.
set -eu
. "$(dirname "$0")/common.sh"

state_file='' keep_queue=''
while [ $# -gt 0 ]; do
  case $1 in
    --state-file) state_file=${2:?--state-file needs a file}; shift 2 ;;
    --keep-queue) keep_queue=yes; shift ;;
    *) die "unknown option $1; usage: start.sh [--state-file FILE] [--keep-queue]" ;;
  esac
done

done_with() {
  [ -z "$state_file" ] || echo "$1" >"$state_file"
  say "$1 ($SECONDS s)"
  echo "$bin"
  exit 0
}

# ---- without root: use what is there, or say why not

if ! is_root; then
  if ! [ -x "$bin/condor_status" ] || ! pool_answers; then
    cannot "no pool is up, and starting one needs root (chroot and mounts)"
  fi
  done_with already-running
fi

# ---- bootstrap

# Prints the URIs of the machine's own apt sources, one-line and deb822 format.
apt_uris() {
  sed -n 's/^[[:space:]]*deb[[:space:]]\+\(\[[^]]*\][[:space:]]*\)\?\([^[:space:]]\+\).*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
  awk '/^[^[:space:]#]/ { on = 0 }
       tolower($0) ~ /^uris:/ { on = 1; sub(/^[^:]*:/, "") }
       on && !/^#/ { for (i = 1; i <= NF; i++) print $i }' /etc/apt/sources.list.d/*.sources 2>/dev/null
}

# The first of them that has Debian 13: apt also knows other vendors' archives.
find_mirror() {
  local uri
  for uri in ${SLURP_POOL_MIRROR:-$(apt_uris | sed 's,/*$,,' | awk '!seen[$0]++')}; do
    case $uri in
      http://* | https://*) wget -q -T 10 -t 2 -O /dev/null "$uri/dists/trixie/InRelease" || continue ;;
      file:/*) [ -e "${uri#file:}/dists/trixie/InRelease" ] || continue ;;
      *) continue ;;
    esac
    echo "$uri"
    return
  done
  return 1
}

# debootstrap fetches with wget, which does not know what apt was told of proxies.
use_apt_proxies() {
  local scheme proxy
  for scheme in http https; do
    proxy=$(apt-config dump | sed -n "s/^Acquire::$scheme::Proxy \"\(.*\)\";/\1/p")
    case $proxy in '' | DIRECT) ;; *) export "${scheme}_proxy=$proxy" ;; esac
  done
}

install_debootstrap() {
  command -v debootstrap >/dev/null && return
  export DEBIAN_FRONTEND=noninteractive
  command -v apt-get >/dev/null || cannot "no apt-get and no debootstrap on this machine"
  say "installing debootstrap"
  apt-get install -qq -y --no-install-recommends debootstrap >"$pool_dir/bootstrap.log" 2>&1 9>&- && return
  { apt-get update -qq && apt-get install -qq -y --no-install-recommends debootstrap; } >>"$pool_dir/bootstrap.log" 2>&1 9>&- ||
    cannot "can't install debootstrap (no network?); see $pool_dir/bootstrap.log"
}

# Makes the directory under another name and moves it into place when it is whole, so that a half-made one is never
# taken for a pool. All mounts are made in a mount namespace that ends with its processes: nothing to clean up.
bootstrap() {
  local new=$pool_dir/root.new mirror ca log=$pool_dir/bootstrap.log
  if [ "$(cat "$root/.slurp-pool-recipe" 2>/dev/null)" = "$recipe" ]; then return; fi
  local like=${SLURP_POOL_LIKE:-$pool_dir}/root
  if [ "$(cat "$like/.slurp-pool-recipe" 2>/dev/null)" = "$recipe" ]; then
    copy_pool "$like" "$new"
    return
  fi
  install_debootstrap
  use_apt_proxies
  mirror=$(find_mirror) ||
    cannot "none of this machine's apt sources answers with Debian 13 (no network? else set SLURP_POOL_MIRROR)"
  say "bootstrapping Debian 13 with HTCondor into $root (once; a minute or so)"
  : >"$log"
  remove_tree "$new"
  remove_tree "$root"

  in_own_mounts debootstrap --variant=minbase trixie "$new" "$mirror" ||
    die "debootstrap failed; see $log: $(grep -E '^(E|W):' "$log" | tail -n 1)"

  # The machine's own answers to proxies and clocks hold in there too.
  apt-config dump | grep -E '^Acquire::(https?::(.*::)?Proxy|Check-|Retries|Allow)' >"$new/etc/apt/apt.conf.d/90machine" || true
  # minbase knows no certificate authorities, which an https mirror needs.
  ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
  if [ -r "$ca" ]; then
    cp "$ca" "$new/etc/apt/machine-ca.crt"
    echo 'Acquire::https::CAInfo "/etc/apt/machine-ca.crt";' >>"$new/etc/apt/apt.conf.d/90machine"
  fi
  # A directory that can be recreated needs neither fsync nor manuals.
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/doc/*' >"$new/etc/dpkg/dpkg.cfg.d/pool"
  printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d" # no daemon starts by being installed
  chmod 755 "$new/usr/sbin/policy-rc.d"
  # shellcheck disable=SC2016 # expanded in there
  in_own_mounts bash -c 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" &&
    DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$1" apt-get install -y --no-install-recommends minicondor &&
    chroot "$1" apt-get clean' - "$new" ||
    die "installing minicondor failed; see $log: $(grep '^E:' "$log" | tail -n 1)"

  for tool in bash sh awk sed hostname md5sum; do
    chroot "$new" sh -c "command -v $tool" >/dev/null || die "the bootstrapped Debian has no $tool, which jobs need"
  done
  chmod 711 "$new/root" # a checkout of root's may be bound below it
  echo "$recipe" >"$new/.slurp-pool-recipe"
  mv "$new" "$root"
}

# A second pool like the first, which may run: without its jobs, logs and sockets. Its mounts are not seen from here.
copy_pool() {
  say "copying $1 to $root (once; some seconds)"
  remove_tree "$2"
  remove_tree "$root"
  mkdir -p "$2"
  tar -C "$1" --one-file-system --exclude='./var/spool/condor/*' --exclude='./var/log/condor/*' --exclude='./run/*' \
    --exclude='./var/lib/condor/execute/*' -cf - . | tar -C "$2" -xpf - || die "can't copy $1 to $2"
  mkdir -p "$2/run/lock"
  mv "$2" "$root"
}

# Runs a command whose mounts no other process sees and that vanish with it. It has a process namespace too, so that all
# of it dies at once, also when this script is killed -9 (parent death signal). In the background, because bash
# hears TERM and INT only between foreground commands; KILL, because unshare ignores those. Output goes to the log.
in_own_mounts() {
  local status=0
  setpriv --pdeathsig KILL -- unshare --mount --propagation slave --pid --fork --kill-child=KILL --mount-proc -- "$@" \
    >>"$pool_dir/bootstrap.log" 2>&1 </dev/null &
  child=$!
  wait "$child" || status=$?
  child=''
  return "$status"
}
child=''
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null; say "interrupted; run it again to take it up"; exit 1' INT TERM

# ---- configuration

write_config() {
  cp -L /etc/hosts /etc/resolv.conf "$root/etc/" 2>/dev/null || true
  cp -L /etc/localtime "$root/etc/localtime" 2>/dev/null || true # times in condor's logs are comparable

  cat >"$root/etc/condor/config.d/90-slurp-test" <<END
# Written by test/pool/start.sh.
COLLECTOR_HOST = 127.0.0.1:$pool_port
SHARED_PORT_PORT = $pool_port
ENABLE_IPV6 = false
# No name service is asked: tests run on machines without one.
NO_DNS = true
DEFAULT_DOMAIN_NAME = localdomain

# A chroot is no mount point, so "unshare the mount namespace" fails there and with it every job.
PER_JOB_NAMESPACES = false
MOUNT_UNDER_SCRATCH =

# More slots than cores: test jobs sleep more than they work. One partitionable slot, so a job may ask for much.
NUM_CPUS = 16
MEMORY = 131072
# A job matches if the disk it asks for is free, but only a little is set aside: 16 jobs may each ask for 10 GB.
MODIFY_REQUEST_EXPR_REQUESTDISK = min({RequestDisk, 1024})
START = true
PREEMPT = false
KILL = false
WANT_SUSPEND = false
NEGOTIATOR_CONSIDER_PREEMPTION = false

# Fast turns. With these a trivial job takes 1.4 s from submission to end, with the shipped ones 2 to 6 s.
SCHEDD_INTERVAL = 1
SCHEDD_MIN_INTERVAL = 0
NEGOTIATOR_INTERVAL = 1
NEGOTIATOR_MIN_INTERVAL = 0
NEGOTIATOR_CYCLE_DELAY = 0
UPDATE_INTERVAL = 2
JOB_START_DELAY = 0
STARTER_UPDATE_INTERVAL = 2
STARTER_INITIAL_UPDATE_INTERVAL = 1
SHADOW_QUEUE_UPDATE_INTERVAL = 2
PID_SNAPSHOT_INTERVAL = 2
PERIODIC_EXPR_INTERVAL = 2
# A schedd that died is there again after two seconds, the tenth time too (the default doubles the delay).
MASTER_BACKOFF_CONSTANT = 1
MASTER_BACKOFF_FACTOR = 1.0
# How long jobs go on while their schedd is away.
JOB_DEFAULT_LEASE_DURATION = 120

# Memory over the request puts a job on hold, as sites do it. There are no cgroups in here, so it is a periodic
# policy (HoldReasonCode 26, not 34). Compared with what the slot gave, the request rounded up to 128 MB: a job that
# asks for nothing has a request that follows its usage, and would be held by the rounding of either.
SYSTEM_PERIODIC_HOLD_NAMES = MEMORY
SYSTEM_PERIODIC_HOLD_MEMORY = JobStatus == 2 && MemoryProvisioned isnt undefined && MemoryUsage > MemoryProvisioned
SYSTEM_PERIODIC_HOLD_MEMORY_REASON = "memory usage exceeded request_memory"
SYSTEM_PERIODIC_HOLD_MEMORY_SUBCODE = 34
END

  # What the clients read, which run outside of the chroot. Paths are spelled out, because links such as
  # /var/run -> /run would lead out of the directory.
  local condor_ids
  condor_ids=$(awk -F: '$1 == "condor" { print $3 "." $4 }' "$root/etc/passwd")
  cat >"$pool_dir/client_config" <<END
# Written by test/pool/start.sh.
CONDOR_IDS = $condor_ids
RELEASE_DIR = $root/usr
BIN = \$(RELEASE_DIR)/bin
SBIN = \$(RELEASE_DIR)/sbin
LIB = \$(RELEASE_DIR)/lib/condor
LIBEXEC = \$(RELEASE_DIR)/libexec/condor
SHARE = \$(RELEASE_DIR)/share/condor
ETC = $root/etc/condor
LOCAL_DIR = $root/var
RUN = $root/run/condor
LOCK = $root/run/lock/condor
LOG = $root/var/log/condor
SPOOL = $root/var/spool/condor
EXECUTE = $root/var/lib/condor/execute
LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR = $root/etc/condor/config.d
END
}

# The clients run on the host with the directory's own loader and libraries: no chroot, so no root is needed and the
# working directory, stdin and environment are simply the caller's. Only /tmp must be common (condor authenticates by
# making a directory there).
write_launchers() {
  local loader='' path libs name
  for path in "$root"/lib64/ld-linux-*.so.* "$root"/lib/ld-linux-*.so.*; do
    if [ -e "$path" ]; then loader=$path; break; fi
  done
  [ -n "$loader" ] || die "no dynamic loader in $root"
  libs=$root/usr/lib:$(echo "$root"/usr/lib/*-linux-gnu*)
  mkdir -p "$bin"
  cat >"$pool_dir/launch" <<END
#!/bin/sh
# Written by test/pool/start.sh. Runs the HTCondor program that it is called as.
name=\${0##*/}
export CONDOR_CONFIG="$pool_dir/client_config"
unset LD_PRELOAD # made for the host's C library
path="$root/usr/bin/\$name"
[ -e "\$path" ] || path="$root/usr/sbin/\$name"
set -- "$loader" --library-path "$libs" "\$path" "\$@"
if [ "\$(id -u)" = 0 ]; then
  case \$name in
    # The pool obeys only root in these …
    condor_on | condor_off | condor_restart | condor_reconfig | condor_userprio) ;;
    # … and lets root submit nothing.
    *)
      exec "$pool_dir/as-user" --inh-caps=-all -- "\$@"
      ;;
  esac
fi
exec "\$@"
END
  chmod 755 "$pool_dir/launch"
  for name in submit q rm hold release history status qedit config_val version off on restart reconfig reschedule userprio \
    vacate_job suspend continue prio wait transfer_data tail who ping; do
    ln -sfn ../launch "$bin/condor_$name"
  done
}

# The jobs' owner is the owner of the checkout, so that a developer who starts the pool with sudo can submit as
# himself; for a checkout of root's it is a user of its own. The name has to be the same on both sides.
write_user() {
  local uid gid name
  uid=${SLURP_POOL_UID:-$(stat -c %u "$checkout")}
  if [ "$uid" = 0 ]; then uid=48100; fi
  name=$(getent passwd "$uid" | cut -d: -f1) gid=$(getent passwd "$uid" | cut -d: -f4)
  if [ -z "$name" ]; then
    gid=$uid name=slurpjob
    [ "$uid" = 48100 ] || name=slurpjob$uid
  fi
  grep -q "^[^:]*:[^:]*:$gid:" "$root/etc/group" || echo "$name:x:$gid:" >>"$root/etc/group"
  grep -q "^$name:x:$uid:" "$root/etc/passwd" || echo "$name:x:$uid:$gid:test jobs:/home/$name:/bin/bash" >>"$root/etc/passwd"
  mkdir -p "$root/home/$name" "$pool_dir/home"
  chown "$uid:$gid" "$root/home/$name" "$pool_dir/home"
  echo "$uid $gid $name" >"$user_file"
  write_as_user "$uid" "$gid" "$name"
}

# initdb, git, os.userInfo() and condor_q want to know the user by name. He gets one without the machine's own
# /etc/passwd being touched: in a mount namespace of the command.
write_as_user() {
  local named=''
  if ! getent passwd "$1" >/dev/null; then
    { cat /etc/passwd; echo "$3:x:$1:$2:test jobs:$pool_dir/home:/bin/bash"; } >"$pool_dir/passwd.new"
    mv "$pool_dir/passwd.new" "$pool_dir/passwd"
    named="unshare --mount --propagation slave -- sh -c 'mount --bind \"\$0\" /etc/passwd && exec \"\$@\"' '$pool_dir/passwd'"
  fi
  cat >"$pool_dir/as-user" <<END
#!/bin/sh
# Written by test/pool/start.sh. usage, as root: as-user [OPTIONS OF SETPRIV] -- COMMAND…
exec $named setpriv --reuid $1 --regid $2 --clear-groups "\$@"
END
  chmod 755 "$pool_dir/as-user"
}

# An old queue would run old tests' jobs, and an old history would tell of clusters whose numbers come again.
empty_queue() {
  [ -d "$root/var/spool/condor" ] || return 0 # never started
  find "$root/var/spool/condor" -xdev -mindepth 1 \( -name 'job_queue.log*' -o -name 'history*' -o -name 'Accountantnew.log*' \
    -o -path '*/condor/[0-9]*' \) -delete
  find "$root/var/lib/condor/execute" -xdev -mindepth 1 -delete
}

# ---- what the pool can see

# Runs a command in the pool's mount namespace, outside of its chroot.
in_pool_mounts() { nsenter --mount="/proc/$master/ns/mnt" -- "$@"; }

# Shows a directory or file of the host to the pool under the same path. The inodes tell whether it is seen already,
# directly or below another bound directory, or is one that was deleted and made again since.
show() {
  local path=$1 inside
  inside=/proc/$master/root$path
  if [ "$(stat -L -c %d:%i "$path")" = "$(stat -L -c %d:%i "$inside" 2>/dev/null)" ]; then return; fi
  # shellcheck disable=SC2016
  in_pool_mounts bash -c 'set -e; to=$1$2
    umount -l "$to" 2>/dev/null || true
    if [ -d "$2" ]; then mkdir -p "$to"; else mkdir -p "${to%/*}"; [ -e "$to" ] || : >"$to"; fi
    mount --bind "$2" "$to"' - "$root" "$path" || die "can't show $path to the pool (bind mount failed)"
}

# The interpreter that jobs run: as one file if it lies among the system's own, else its whole prefix.
show_node() {
  local node
  if ! node=$(command -v node); then
    say "no node on the PATH: jobs will have none"
    return 0
  fi
  node=$(readlink -f "$node")
  case $node in
    /usr/bin/* | /bin/* | /usr/local/bin/*) show "$node" ;;
    */bin/node) show "${node%/bin/node}" ;;
    *) show "$node" ;;
  esac
  if [ "$node" != /usr/local/bin/node ]; then ln -sfn "$node" "$root/usr/local/bin/node"; fi
  chroot "/proc/$master/root" node -v >/dev/null || say "warning: $node does not run in the pool (libraries that Debian 13 has not?)"
}

# Jobs run as an unprivileged user, who has to be able to walk to the checkout. Directories above it need no change: the
# pool has its own, but for those below /tmp, which it shares.
open_checkout() {
  local path=$checkout
  while [ "$path" != / ] && [ "$path" != /tmp ]; do
    case $path in
      "$checkout" | /tmp/*)
        if [ "$(($(stat -c 0%a "$path") & 1))" = 0 ]; then
          say "chmod o+x $path: jobs run as uid $(cut -d' ' -f1 "$user_file") and have to walk through it"
          chmod o+x "$path"
        fi
        ;;
    esac
    path=${path%/*} path=${path:-/}
  done
}

show_all() {
  local path
  show /tmp
  show "$checkout"
  open_checkout
  show_node
  local IFS=:
  for path in ${SLURP_POOL_BIND:-}; do
    [ -n "$path" ] || continue
    [ -e "$path" ] || die "SLURP_POOL_BIND names $path, which does not exist"
    show "$(readlink -f "$path")"
  done
}

# ---- the daemons

launch() {
  # No descriptor of ours may live on in a daemon: not the lock, not the pipe of a caller who reads our output.
  # shellcheck disable=SC2016
  unshare --mount --propagation slave -- bash -c 'set -e
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    mount -t devpts devpts "$1/dev/pts"
    mount -t tmpfs tmpfs "$1/dev/shm"
    mount --bind /tmp "$1/tmp"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" condor_master' - "$root" \
    9>&- </dev/null >"$pool_dir/launch.log" 2>&1 ||
    die "condor_master did not start: $(tail -n 1 "$pool_dir/launch.log"); logs in $root/var/log/condor"
  wait_until 10 has_master || die "condor_master ended at once; see $root/var/log/condor/MasterLog"
}

has_master() {
  master=$(master_pid)
  [ -n "$master" ]
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$pool_port") 2>/dev/null; }

wait_ready() {
  wait_until "${SLURP_POOL_WAIT:-60}" pool_answers && return
  say "the daemons run, but condor_status shows no slot after ${SLURP_POOL_WAIT:-60} s. The end of MasterLog:"
  tail -n 5 "$root/var/log/condor/MasterLog" >&2 || true
  die "look into $root/var/log/condor; test/pool/stop.sh ends it"
}

remove_tree() {
  [ -e "$1" ] || return 0
  if awk '{ print $5 }' /proc/self/mountinfo | grep -qF "$1/"; then
    die "something is mounted below $1; unmount it first (deleting would go through it)"
  fi
  rm -rf --one-file-system -- "$1"
}

# ---- main

take_lock
chmod 755 "$pool_dir"
if has_master; then
  state=already-running
else
  unshare --mount --propagation slave true 2>/dev/null || cannot "no mount namespaces here (a container without CAP_SYS_ADMIN?)"
  state=started
  for pid in $(pool_pids); do kill -9 "$pid" || true; done # what a crashed pool left
  bootstrap
  port_is_free || die "port $pool_port is taken by something else; set SLURP_POOL_PORT"
  write_config
  [ -n "$keep_queue" ] || empty_queue
fi
write_user
write_launchers
[ "$state" = already-running ] || launch
show_all
wait_ready
done_with "$state"
