#!/usr/bin/env bash
# broadcast.sh: one publisher of frames, and two subscribers that each get all of them, at their own speed.
#
#   broadcast.sh [OPTION...] [FILE]
#
# The publisher (broadcast.py send) writes frames (640 x 480, RGB) to the topic `frames` of the worker `cam`, in memory
# that it shares with its subscribers. One of these transforms each frame (2-D FFT) and checks where its peak lies. The
# other one stores it in an HDF5 file. At the end the file is read again: it has each frame, as it was sent.
#
# The three are started in a random order. Each waits for what it needs: for the worker, and the publisher for two
# subscribers. The topic's policy is `block`, so nothing is lost: the publisher waits for the slower one. When the publisher
# has ended, the subscribers do. TERM and Ctrl-C stop all three, and the file is whole then, too, with what came so far.
#
#   -n N         so many frames (50)
#   --only PART  start one part alone: send, transform or store. The others may be in other containers
#   -h, --help   this text
#
# With FILE the frames are kept there. RPC_WORKER names the worker (cam), which is waited for for 30 s.
#
# In containers: docker-compose run --rm -T builder-topics pipelines/broadcast.sh
#
# Exit status: 0 all well; 1 a part failed, or the check; 2 nothing was begun; 128+N signal N.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
count=50 only='' file=''

say() { printf 'broadcast.sh: %s\n' "$1" >&2; }

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
      [[ ${2:-} =~ ^(send|transform|store)$ ]] || refuse "cannot use --only \"${2:-}\": it is send, transform or store (see --help)"
      only=$2 && shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    -*) refuse "unknown option \"$1\" (see --help)" ;;
    *)
      [[ -z $file ]] || refuse "cannot use \"$1\": the frames go to \"$file\" already (see --help)"
      file=$1
      ;;
    esac
    shift
  done
}

part() { # NAME: runs a part
  if [[ $1 == store ]]; then set -- store "$count" "$file"; else set -- "$1" "$count"; fi
  exec "$here/broadcast.py" "$@"
}

# ended stops what still runs, and waits until the file is closed.
ended() {
  local jobs
  jobs=$(jobs -p)
  # shellcheck disable=SC2086 # pids, which are words without blanks
  [[ -z $jobs ]] || kill $jobs 2>/dev/null || true
  wait || true
  rm -rf "$work"
}

arguments "$@"
type -P python3 >/dev/null || refuse "cannot find python3 on PATH (apt-get install python3-numpy python3-h5py)"
work=$(mktemp -d)
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
file=${file:-$work/frames.h5}

if [[ -n $only ]]; then parts=("$only"); else mapfile -t parts < <(shuf -e send transform store); fi
say "starts ${parts[*]}"
declare -A running=()
for name in "${parts[@]}"; do
  part "$name" &
  running[$!]=$name
done
# The first that fails ends the others, which would wait for it.
while ((${#running[@]})); do
  status=0
  wait -n -p pid "${!running[@]}" || status=$?
  ((status == 0)) || { say "${running[$pid]} ended with status $status" && exit 1; }
  unset "running[$pid]"
done
[[ -n $only && $only != store ]] || "$here/broadcast.py" check "$count" "$file"
