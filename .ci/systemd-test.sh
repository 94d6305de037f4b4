#!/usr/bin/env bash
# systemd-test.sh [NAME...]: tests rpcd under a real systemd, which is PID 1 of a container. It runs all tests, or the
# named ones. --list prints their names.
#
# Needs an engine (.ci/engine.sh), the base image (.ci/base-image.sh), bin/rpc and bin/rpcd. The containers have no
# privileges, except one with SYS_ADMIN for the test of the sandbox. All names contain the script's pid, and every way
# out of the script removes them. Only the image rpc-systemd stays. The output is `ok NAME (SECONDS)` or
# `not ok NAME: why`.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
project=rpcdsystemd$$
work=$(mktemp -d)
s=$project-s b=$project-b # the container with systemd, and the builder
volumes=(hugin a b)

image=rpc-systemd

# shellcheck source=.ci/cases.sh
. "$top/.ci/cases.sh"
# shellcheck source=.ci/boot.sh
. "$top/.ci/boot.sh"

more_on_failure() {
  docker exec "$s" journalctl --no-pager -o short-precise -n 25 2>/dev/null | sed 's/^/    | /' || true
}

mounts() { # MODE: the options for a volume of sockets for each worker, and for the folder that all share
  local name
  for name in "${volumes[@]}"; do printf '%s ' -v "$project-$name:/run/rpc/$name$1"; done
  echo -v "$project-work:/work" -w /work
}

# start_b starts the builder: without rights and without a network, and with the sockets' volumes read-only.
start_b() {
  # shellcheck disable=SC2046
  docker run -d --init --name "$b" --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
    --user 1000:1000 $(mounts :ro) rpc-systemd sleep infinity >/dev/null
}
in_b() { timeout -k 5 60 docker exec -i "$b" "$@"; }
in_s() { docker exec -i "$s" "$@"; }
sc() { in_s systemctl "$@"; }
show() { sc show --value -p "$2" "$1"; } # UNIT PROPERTY
pid_of() { show "$1" MainPID; }
logged() { in_s journalctl --no-pager -o cat -u "$1" | grep -- "$2" >/dev/null; } # UNIT PATTERN

# drop_in UNIT: makes a drop-in for UNIT from stdin. It lasts until the next boot.
drop_in() { # UNIT
  in_s sh -c "mkdir -p /run/systemd/system/$1.d && cat >/run/systemd/system/$1.d/test.conf"
  sc daemon-reload
}

# fresh NAME: brings the worker NAME into its state after the boot, without changes of another test.
fresh() {                  # NAME: of the worker
  sc stop "rpcd@$1.socket" # and its service
  in_s rm -rf "/run/systemd/system/rpcd@$1.service.d" "/etc/rpcd/$1.conf"
  sc daemon-reload
  sc reset-failed "rpcd@$1.service" "rpcd@$1.socket" 2>/dev/null || true
  sc start "rpcd@$1.socket"
}

# call NAME COMMAND...: starts a call in the background and waits for its first line of output. It sets $caller to the
# pid, and $line.
call() {
  rm -f "$work/out" && mkfifo "$work/out"
  in_b rpc -n "$@" >"$work/out" 2>"$work/err" </dev/null &
  caller=$!
  exec 8<"$work/out"
  read -r -t 60 line <&8 || fail "the procedure has not started: $(<"$work/err")"
}

ended() { # waits for the call in the background, and sets $status
  status=0
  wait "$caller" || status=$?
  exec 8<&-
}

# On cgroup v1 systemd in a container doesn't learn that a cgroup is empty, since the release agent is the host's. After
# a KILL it waits for TimeoutStopSec before it starts the service again. On v2 this setting changes nothing.
quick_stop=$'[Service]\nTimeoutStopSec=2s'

gone() { ! in_s test -e "/proc/$1"; } # PID

clean() {
  local name
  if [[ -n ${job:-} ]]; then kill "$job" 2>/dev/null || true; fi
  docker ps -aq --filter "name=^$project-" | xargs -r docker rm -f >/dev/null
  for name in "${volumes[@]}" work one; do docker volume rm -f "$project-$name" >/dev/null 2>&1 || true; done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck source=.ci/systemd-cases.sh
. "$top/.ci/systemd-cases.sh"

choose "$top/.ci/systemd-cases.sh" "$@"
bin=${RPCD_TEST_BIN:-$top/bin} # the variable names other binaries, with which a test should fail
need "$bin"
mkdir "$work/image" "$work/image/bin"
cp "$bin"/{rpc,rpcd} "$work/image/bin/"
cp -r "$top/systemd" "$work/image/"
build_image "$work/image"
for name in "${volumes[@]}" work one; do
  docker volume create --opt type=tmpfs --opt device=tmpfs --opt "o=size=4m,uid=1000,gid=1000,mode=0770" "$project-$name" >/dev/null
done
# shellcheck disable=SC2046
boot "$s" $(mounts "")
start_b

run_all
