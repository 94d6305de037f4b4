#!/usr/bin/env bash
# Installs the Debian packages of the peers of bench/: s6, ssh, socat, GNU
# parallel, Python with NumPy and pyzmq, a C compiler with libzmq, and where an
# engine runs a docker client. Programs that are installed already stay as they
# are. No service is started or enabled, since bench/ starts its own.
set -euo pipefail

missing=()
need() { # need PACKAGE COMMAND...
  local package=$1
  shift
  for name in "$@"; do
    if ! PATH=$PATH:/usr/sbin:/sbin command -v "$name" >/dev/null; then
      missing+=("$package")
      return
    fi
  done
}
need s6 s6-ipcserver s6-sudo s6-sudod
need openssh-client ssh ssh-keygen
need openssh-server sshd
need socat socat
need sshfs sshfs
need parallel parallel
need findutils xargs
need gcc cc
need python3 python3
# Debian's own python3 stands first, as in test.sh: its modules are packages.
for module in numpy zmq; do
  PATH=/usr/bin:$PATH python3 -c "import $module" 2>/dev/null || missing+=("python3-$module")
done
[ -e /usr/include/zmq.h ] || missing+=(libzmq3-dev)
if [ -S /run/docker.sock ] || [ -S /var/run/docker.sock ]; then
  need docker.io docker
fi
if [ ${#missing[@]} -eq 0 ]; then
  echo "peers.sh: everything is there" >&2
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "peers.sh: run as root to install: ${missing[*]}" >&2
  exit 1
fi

# Debian starts a service as soon as it is installed, unless this file forbids
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
if [ -d /run/systemd/system ]; then
  for package in "${missing[@]}"; do
    case $package in
    openssh-server) systemctl disable -q ssh.service ;;
    docker.io) systemctl disable -q docker.service docker.socket ;;
    esac
  done
fi
echo "peers.sh: installed ${missing[*]}" >&2
