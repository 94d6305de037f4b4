#!/usr/bin/env bash
# share.sh: a writer shares its latest frame with readers that look when they like, and come when they like.
#
#   share.sh [OPTION...]
#
# The writer (share.py write) writes a frame every 5 ms to the topic `latest` of the worker `cam`. Its policy is
# `drop-oldest 1` with `retain`: who looks gets the latest frame, who comes gets one at once, and nobody holds the writer
# up. The frames lie in memory that writer and readers share, also between containers, which need no --ipc for that. Each
# has a counter, its shape, and a checksum: so a reader would see a torn one.
#
# One reader comes before the writer, two come in between. When the writer has ended, another one looks: it gets the last
# frame. At the end it is checked that all frames were whole, and each newer than the one before.
#
#   -n N         so many frames (400)
#   --only PART  start one part alone: write, read (until the writer ends) or look (once)
#   -h, --help   this text
#
# RPC_WORKER names the worker (cam), which is waited for for 30 s.
#
# In containers: docker-compose run --rm -T builder-topics pipelines/share.sh
#
# Exit status: 0 all well; 1 a part failed; 2 nothing was begun; 128+N signal N.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
count=400 only=''

say() { printf 'share.sh: %s\n' "$1" >&2; }

refuse() { # MESSAGE: nothing was begun
  say "$1"
  exit 2
}

arguments() {
  while (($#)); do
    case $1 in
    -n)
      [[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || refuse "cannot use -n \"${2:-}\": not a number from 1 to 999999 (see --help)"
      count=$2 && shift
      ;;
    --only)
      [[ ${2:-} =~ ^(write|read|look)$ ]] || refuse "cannot use --only \"${2:-}\": it is write, read or look (see --help)"
      only=$2 && shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    *) refuse "unknown argument \"$1\" (see --help)" ;;
    esac
    shift
  done
}

part() { # NAME: runs a part
  if [[ $1 == write ]]; then set -- write "$count"; fi
  exec "$here/share.py" "$@"
}

ended() {
  local jobs
  jobs=$(jobs -p)
  # shellcheck disable=SC2086 # pids, which are words without blanks
  [[ -z $jobs ]] || kill $jobs 2>/dev/null || true
  wait || true
}

arguments "$@"
type -P python3 >/dev/null || refuse "cannot find python3 on PATH (apt-get install python3-numpy)"
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

parts=(read write read read)
[[ -z $only ]] || parts=("$only")
declare -A running=()
for name in "${parts[@]}"; do
  part "$name" &
  running[$!]=$name
  [[ -n $only ]] || sleep 0.3 # so that they come at different times
done
# The first that fails ends the others, which would wait for it.
while ((${#running[@]})); do
  status=0
  wait -n -p pid "${!running[@]}" || status=$?
  ((status == 0)) || { say "${running[$pid]} ended with status $status" && exit 1; }
  unset "running[$pid]"
done
[[ -z $only ]] || exit 0
last=$("$here/share.py" look)
echo "after the writer: $last"
[[ $last == "frame $count, "* ]] || { say "that isn't the last frame, which is $count" && exit 1; }
