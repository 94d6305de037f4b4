#!/usr/bin/env bash
# data_prep.sh: straightens pictures of lecture recordings. Hugin works in its container, ImageMagick in this one.
#
#   data_prep.sh [OPTION...] IN OUT
#
# Every picture of the folder IN (jpg, jpeg, png, tif, tiff) gets three steps: fisheye correction and perspective
# control by Hugin, then resizing and mirroring by ImageMagick. The result is OUT/NAME.png, which appears only once it
# is whole. If a picture fails, Hugin's own messages and status are reported, and the others go on. The last line
# counts both.
#
#   --flat FILE          Hugin project of the fisheye correction (IN/flat.pto)
#   --perspective FILE   Hugin project of the perspective control (IN/perspective.pto), which reads the first result
#   --width N            width of the results in pixels (1024)
#   --keep-steps         keep Hugin's pictures as OUT/steps/NAME-flat.png and NAME-perspective.png
#   -j N                 work on N pictures at once (the number of CPUs)
#   -h, --help           this text
#
# Each picture gets a work folder below OUT. It has copies of the projects and of the picture, under the name that the
# project reads. The folders are removed at the end, except after kill -9. The worker must see OUT under the same path.
# RPC_WORKER names the worker (hugin). rpc's own variables count, too (RPC_DIR, RPC_WAIT, RPC_TIMEOUT).
#
# Exit status: 0 all done; 1 pictures failed; 2 nothing was begun (usage, projects, folders, worker); 128+N signal N.
set -euo pipefail
shopt -s extglob

worker=${RPC_WORKER:-hugin}
flat='' perspective='' width=1024 keep='' jobs=$(nproc)
# ImageMagick uses one thread, since several pictures at once use all cores already.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

say() { printf '%s\n' "data_prep.sh: $1" >&2; }

refuse() { # MESSAGE: nothing was begun
  say "$1"
  exit 2
}

number() { # OPTION VALUE
  [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || refuse "cannot use $1 \"$2\": not a number from 1 on (see --help)"
}

arguments() {
  local paths=()
  while (($#)); do
    case $1 in
    --flat | --perspective | --width | -j) (($# > 1)) || refuse "cannot use $1: it needs a value (see --help)" ;;&
    --flat) flat=$2 && shift ;;
    --perspective) perspective=$2 && shift ;;
    --width) number --width "$2" && width=$2 && shift ;;
    -j) number -j "$2" && jobs=$2 && shift ;;
    -j*) number -j "${1#-j}" && jobs=${1#-j} ;;
    --keep-steps) keep=yes ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    --) paths+=("${@:2}") && break ;;
    -*) refuse "unknown option \"$1\" (see --help)" ;;
    *) paths+=("$1") ;;
    esac
    shift
  done
  ((${#paths[@]} == 2)) || refuse "needs two folders, IN and OUT, got ${#paths[@]} (see --help)"
  in=${paths[0]} out=${paths[1]}
}

# reads prints the name of the picture that the project reads. If the project names none, it prints USUAL, and Hugin
# will report the fault.
reads() { # PROJECT USUAL
  local name
  [[ -f $1 && -r $1 ]] || refuse "cannot read project \"$1\" (give one with --flat, --perspective)"
  name=$(sed -n 's/^i .* n"\([^"]*\)".*/\1/p' "$1" | head -n 1)
  [[ $name != */* ]] || refuse "cannot use project \"$1\": it reads \"$name\", not a picture beside it (edit its n\"...\")"
  echo "${name:-$2}"
}

# unwritable reports the owner of FOLDER, and which variables to set. Such a folder is the most common trouble with
# containers.
unwritable() { # FOLDER
  local there=$1
  until [[ -e $there ]]; do there=$(dirname -- "$there"); done
  refuse "cannot write to \"$1\": \"$there\" belongs to $(stat -c '%u:%g' -- "$there"), this runs as $(id -u):$(id -g) \
(in containers: docker-compose down -v, then set RPC_UID and RPC_GID to the folder's)"
}

prepare() {
  local tool twice n
  for tool in rpc convert; do
    type -P "$tool" >/dev/null || refuse "cannot find $tool on PATH (rpc: see README.md; convert: apt-get install imagemagick)"
  done
  [[ -d $in && -r $in ]] || refuse "cannot read folder \"$in\": $([[ -e $in ]] && echo 'not a readable folder' || echo 'no such folder')"
  flat=$(realpath -m -- "${flat:-$in/flat.pto}")
  perspective=$(realpath -m -- "${perspective:-$in/perspective.pto}")
  flat_reads=$(reads "$flat" image.jpg)
  perspective_reads=$(reads "$perspective" flat.png)
  [[ $flat_reads != "$perspective_reads" ]] || refuse "cannot use \"$flat\" and \"$perspective\": both read \"$flat_reads\""
  in=$(realpath -- "$in")

  shopt -s nullglob nocaseglob
  pictures=("$in"/*.@(jpg|jpeg|png|tif|tiff))
  shopt -u nullglob nocaseglob
  for n in "${!pictures[@]}"; do
    [[ -f ${pictures[$n]} ]] || unset "pictures[$n]"
  done
  pictures=("${pictures[@]}") # closes the gaps, so that names gets the same numbers
  ((${#pictures[@]})) || refuse "cannot find a picture in \"$in\" (jpg, jpeg, png, tif, tiff)"
  names=("${pictures[@]##*/}")
  twice=$(printf '%s\n' "${names[@]%.*}" | sort | uniq -d | head -n 1)
  [[ -z $twice ]] || refuse "cannot make two results \"$twice.png\": IN has several pictures \"$twice\""

  [[ -d $out || ! -e $out ]] || refuse "cannot write to \"$out\": not a folder"
  mkdir -p -- "$out${keep:+/steps}" 2>/dev/null || unwritable "$out"
  out=$(realpath -- "$out")
  [[ $out != "$in" ]] || refuse "IN and OUT are one folder, \"$in\": results would be taken for pictures"
  rpc ping "$worker" >/dev/null || refuse "cannot begin: no worker \"$worker\""
  work=$(mktemp -d -- "$out/.data_prep.XXXXXX" 2>/dev/null) || unwritable "$out"
}

# Lines that Hugin prints for every picture: enblend has only one picture to blend, and exiftool isn't installed.
chatter='^[[:space:]]*$|^enblend: (info|note|warning: only one)|^execvp\(exiftool'

# failed prints its report in one write, so that the reports of several pictures don't mix.
failed() { # NUMBER STEP WHY
  local words=$work/$1.err
  [[ -s $words ]] || words=$work/$1.out # some of Hugin's tools report errors on stdout
  words=$(grep -sEv "$chatter" "$words" | tail -n 12 | sed 's/^/    /' || true)
  say "${names[$1]}: $2 failed: $3${words:+$'\n'$words}"
}

hugin() { # NUMBER STEP PROJECT PREFIX: runs Hugin at the worker, in the current folder
  local status=0
  # The outer redirection drops bash's own message "Terminated".
  { rpc -n "$worker" hugin_executor --stitching --prefix="$4" "$3" >"$work/$1.out" 2>"$work/$1.err" || status=$?; } 2>/dev/null
  if ((status > 128 && status < 160)); then
    failed "$1" "$2" "hugin_executor was ended by signal $((status - 128)) (status $status)"
  elif ((status == 125)); then
    failed "$1" "$2" "rpc ended with status $status"
  elif ((status)); then
    failed "$1" "$2" "hugin_executor ended with status $status"
  elif grep -q '^Premature end of JPEG file' "$work/$1.err"; then
    failed "$1" "$2" "the picture is cut short, though hugin_executor ended with status 0"
  else
    return 0
  fi
  return 1
}

# made prints the name of a step's picture. Hugin may end with status 0 and make none, which made reports.
made() { # NUMBER STEP GLOB
  local found
  found=$(compgen -G "$3" | head -n 1) && [[ -s $found ]] && echo "$found" && return
  failed "$1" "$2" "hugin_executor ended with status 0, but made no \"$3\""
  return 1
}

process() { # NUMBER: makes one result, in a job of its own
  local n=$1 name straight size
  trap 'exit 143' TERM # runs once the current tool has ended; rpc ends its call first
  name=${names[$n]%.*}
  cd -- "$work" && mkdir "$n" && cd "$n" || return
  cp -- "${pictures[$n]}" "$flat_reads" && cp -- "$flat" flat.pto && cp -- "$perspective" perspective.pto || return

  hugin "$n" 'fisheye correction' flat.pto "${perspective_reads%.*}" || return
  made "$n" 'fisheye correction' "$perspective_reads" >/dev/null || return
  hugin "$n" 'perspective control' perspective.pto straight || return
  straight=$(made "$n" 'perspective control' 'straight.*') || return

  size=$(convert "$straight" -resize "$width" +repage -flop -write png:result -format '%wx%h' info: 2>"$work/$n.err") || {
    failed "$n" 'resize and mirror' "convert ended with status $?"
    return 1
  }
  if [[ $keep ]]; then
    mv -fT -- "$perspective_reads" "$out/steps/$name-flat.${perspective_reads##*.}" || return
    mv -fT -- "$straight" "$out/steps/$name-perspective.${straight##*.}" || return
  fi
  mv -fT -- result "$out/$name.png" || return
  cd .. && rm -rf -- "$n"
  printf '%s\n' "${names[$n]}: $out/$name.png ($size)"
}

# clean tries again for a while: some of Hugin's tools make sessions of their own, and may write on after their call.
clean() {
  local try
  [[ $work ]] || return 0
  for try in 1 2 3 4 5; do
    rm -rf -- "$work" 2>/dev/null && return
    sleep "0.$try"
  done
  say "cannot remove \"$work\" (somebody still writes there?)"
}

# With set -m each job is a process group. A Ctrl-C reaches only this script, which signals the groups.
interrupted() { # SIGNAL NUMBER
  local job
  trap '' INT TERM HUP
  for job in "${!running[@]}"; do kill -TERM -- "-$job" 2>/dev/null || true; done
  wait
  clean
  say "ended by SIG$1, ${#running[@]} pictures left half done"
  trap - "$1"
  kill -s "$1" $$
  exit $((128 + $2)) # reached as PID 1 of a container, where the signal does nothing
}

one_ends() {
  local job
  wait -n -p job "${!running[@]}" || lost=$((lost + 1))
  unset "running[$job]"
}

arguments "$@"
declare -A running=()
work='' lost=0
trap clean EXIT
trap 'interrupted INT 2' INT
trap 'interrupted TERM 15' TERM
trap 'interrupted HUP 1' HUP
prepare

set -m
for n in "${!pictures[@]}"; do
  ((${#running[@]} < jobs)) || one_ends
  process "$n" </dev/null &
  running[$!]=$n
done
while ((${#running[@]})); do one_ends; done

echo "${#pictures[@]} pictures: $((${#pictures[@]} - lost)) done, $lost failed"
((lost == 0))
