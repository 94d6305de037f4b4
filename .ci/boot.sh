# boot.sh: functions of systemd-test.sh and package-test.sh, which source it: a container in which systemd is PID 1.
#
# The sourcing script has set $top and $work, and $image: the image's name.
#
# shellcheck shell=bash disable=SC2154

# build_image FOLDER [OPTION...]: makes $image from systemd.Dockerfile and the files of FOLDER. It removes the one that
# had the name.
build_image() {
  local old
  old=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null || true)
  timeout 900 docker build -q -t "$image" "${@:2}" -f "$top/.ci/systemd.Dockerfile" "$1" >"$work/build.log" 2>&1 || {
    tail -n 20 "$work/build.log"
    exit 1
  }
  if [[ -n $old && $old != "$(docker image inspect -f '{{.Id}}' "$image")" ]]; then docker rmi "$old" >/dev/null 2>&1 || true; fi
}

# cgroups prints the options by which systemd gets its cgroups. On a v2 host that is the whole tree. On a v1 host it is
# only systemd's own hierarchy: with SYS_ADMIN systemd would remount the host's /sys/fs/cgroup read-only.
cgroups() {
  case $(stat -fc %T /sys/fs/cgroup) in
  cgroup2fs) echo --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw ;;
  *) echo -v /sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw ;;
  esac
}

booted() { # CONTAINER
  [[ $(docker exec "$1" systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]
}

boot() { # CONTAINER OPTION...
  # shellcheck disable=SC2046 # several words on purpose
  docker run -d --name "$1" --hostname "$1" --network none --tmpfs /run --tmpfs /run/lock --tmpfs /tmp \
    $(cgroups) "${@:2}" "$image" >/dev/null
  within 60 booted "$1" || fail "systemd has not started: $(docker logs "$1" 2>&1 | tail -n 5)"
}
