#!/usr/bin/env bash
# camera.sh: ten callers at once, each of which gets its own frame of the one camera that a warm process holds open.
#
#   camera.sh [OPTION...] [OUT]
#
# The procedure `video0` of the worker `camera` holds the camera. `rpc camera video0 read >frame.npy` gives the next
# frame (npy, uint8, height x width x 3, RGB), and `rpc camera video0 stop` ends it: the camera is closed, until the next
# read. Where there is no /dev/video0 the camera is a synthetic one (volumes/camera/exports/video0/run).
#
# The callers may come before the camera, and then they wait. At the end it is checked that each has one whole frame,
# none the frame of another, and that the numbers follow each other. A synthetic frame also has its number in its pixels.
# Numbers that are left out belong to other callers, as of a second camera.sh, and are reported.
#
#   -n N         so many callers (10)
#   -h, --help   this text
#
# With OUT the frames are kept there, as frame-NUMBER.npy. RPC_WORKER names the worker (camera). RPC_WAIT is how long
# callers wait for it (30s). rpc's other variables count, too.
#
# In containers: docker-compose run --rm -T builder-ml pipelines/camera.sh
# A real camera needs `devices` and `group_add` there, see docker-compose.yml.
#
# Exit status: 0 all well; 1 a call failed, or a check; 2 nothing was begun; 128+N signal N.
set -euo pipefail

worker=${RPC_WORKER:-camera}
export RPC_WAIT=${RPC_WAIT:-30s}
count=10 out=''

say() { printf 'camera.sh: %s\n' "$1" >&2; }

refuse() { # MESSAGE: nothing was begun
  say "$1"
  exit 2
}

arguments() {
  while (($#)); do
    case $1 in
    -n)
      [[ ${2:-} =~ ^[1-9][0-9]{0,2}$ ]] || refuse "cannot use -n \"${2:-}\": not a number from 1 to 999 (see --help)"
      count=$2 && shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    -*) refuse "unknown option \"$1\" (see --help)" ;;
    *)
      [[ -z $out ]] || refuse "cannot use \"$1\": the frames go to \"$out\" already (see --help)"
      out=$1
      ;;
    esac
    shift
  done
}

# read_frame makes N.npy, and N.said: the frame's number, or why there is none.
read_frame() { # N
  rpc -n "$worker" video0 read --number >"$work/$1.npy" 2>"$work/$1.said"
}

# number prints the number of a caller's frame, once the frame is known to be whole.
number() { # N
  local file=$work/$1.npy said shape bytes stamp
  said=$(<"$work/$1.said")
  [[ $said =~ ^[1-9][0-9]*$ ]] || { say "caller $1 has no number, but: ${said:-nothing}" && return 1; }
  shape=$(head -c 128 "$file" | LC_ALL=C sed -n "s/.*'shape': (\([0-9]*\), \([0-9]*\), 3).*/128 + \1 * \2 * 3/p")
  bytes=$(stat -c %s "$file")
  ((bytes == ${shape:-0})) || { say "caller $1 has no whole frame, but $bytes bytes" && return 1; }
  # The first 32 pixels of a synthetic frame are white and black, and nothing between.
  stamp=$(tail -c +129 "$file" | od -An -v -tu1 -w3 -N96 | awk '$1 != $2 || $1 % 255 { other = 1 } { n = 2 * n + ($1 > 0) } END { print other ? "" : n }')
  [[ -z $stamp || $stamp == "$said" ]] || { say "caller $1 was told number $said, but its frame is number $stamp" && return 1; }
  echo "$said"
}

# check reports what the callers have.
check() {
  local n numbers=() first last others same
  for ((n = 1; n <= count; n++)); do
    numbers+=("$(number "$n")") || return 1
  done
  same=$(printf '%s\n' "${numbers[@]}" | sort -n | uniq -d | paste -sd' ')
  [[ -z $same ]] || { say "several callers have frame $same" && return 1; }
  same=$(cd "$work" && sha256sum -- *.npy | sort | uniq -w64 -d | wc -l)
  ((same == 0)) || { say "several callers have the same picture" && return 1; }
  first=$(printf '%s\n' "${numbers[@]}" | sort -n | head -n 1)
  last=$(printf '%s\n' "${numbers[@]}" | sort -n | tail -n 1)
  others=$((last - first + 1 - count))
  echo "$count callers, $count frames: $first to $last, none twice$( ((others == 0)) || echo " ($others went to other callers)")"
}

keep() {
  local n
  mkdir -p -- "$out" || refuse "cannot write to \"$out\""
  for ((n = 1; n <= count; n++)); do mv -f -- "$work/$n.npy" "$out/frame-$(<"$work/$n.said").npy" || return; done
}

ended() {
  local jobs
  jobs=$(jobs -p)
  # shellcheck disable=SC2086 # pids, which are words without blanks
  [[ -z $jobs ]] || kill $jobs 2>/dev/null || true
  rm -rf "$work"
}

arguments "$@"
type -P rpc >/dev/null || refuse "cannot find rpc on PATH (see README.md)"
work=$(mktemp -d)
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

declare -A callers=()
for ((n = 1; n <= count; n++)); do
  read_frame "$n" &
  callers[$n]=$!
done
say "$count callers wait for the camera"
failed=0
for ((n = 1; n <= count; n++)); do
  status=0
  wait "${callers[$n]}" || status=$?
  ((status == 0)) || { say "caller $n ended with status $status: $(tail -n 1 "$work/$n.said")" && failed=$((failed + 1)); }
done
((failed == 0)) || exit 1
check
[[ -z $out ]] || keep
rpc -n "$worker" video0 stop
