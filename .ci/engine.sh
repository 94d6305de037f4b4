#!/usr/bin/env bash
# engine.sh: makes sure that a container engine answers and that a docker-compose is there.
#
# It does nothing if both are there. On a bare Debian machine it installs Debian's packages, as root. If no service
# manager has started the engine, it starts dockerd in the background, and leaves it running for later runs. The log of
# dockerd is ${XDG_CACHE_HOME:-~/.cache}/rpcd/dockerd.log.
set -euo pipefail

log=${XDG_CACHE_HOME:-$HOME/.cache}/rpcd/dockerd.log
wait_s=60 # seconds until the engine has to answer; usually it takes 1 s

die() {
  echo "engine.sh: $*" >&2
  exit 1
}

answers() { timeout 20 docker info >/dev/null 2>&1; }
compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }

if ! command -v docker >/dev/null || ! compose || { ! answers && ! command -v dockerd >/dev/null; }; then
  command -v apt-get >/dev/null || die "cannot install docker.io, docker-compose: no apt-get here (install an engine and docker compose by hand)"
  ((EUID == 0)) || die "cannot install docker.io, docker-compose: not root (as root: apt-get install docker.io docker-compose)"
  echo "engine.sh: installing docker.io and docker-compose" >&2
  apt-get update -qq || die "apt-get update failed"
  DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -qq --no-install-recommends \
    docker.io docker-compose iptables >/dev/null || die "apt-get install docker.io docker-compose failed"
fi
answers && exit 0

((EUID == 0)) || die "cannot reach the engine as $(id -un): $(docker info 2>&1 >/dev/null | head -n 1) (are you in the group docker? is the service up?)"
mkdir -p "${log%/*}"
echo "engine.sh: starting dockerd (log: $log)" >&2
setsid dockerd >"$log" 2>&1 </dev/null &
daemon=$!
limit=$((SECONDS + wait_s))
until answers; do
  if ! kill -0 "$daemon" 2>/dev/null || ((SECONDS >= limit)); then break; fi
  sleep 0.2
done
answers && exit 0
tail -n 15 "$log" >&2
die "cannot start the engine: dockerd does not answer (see $log)"
