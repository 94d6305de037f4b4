#!/usr/bin/env bash
# flatten.sh: straightens pictures of lecture recordings where nothing is installed but bash. nona is a shim on PATH, and
# runs in Hugin's container.
#
#   flatten.sh IN OUT
#
# Every picture IN/*.jpg gets the fisheye correction of IN/flat.pto, then the perspective control of IN/perspective.pto,
# several at once. The result is OUT/NAME.png, which appears only once it is whole. The worker must see both folders under
# the same path. data_prep.sh does more, and needs ImageMagick.
#
# Exit status: 0 all done; 1 pictures failed; 2 nothing was begun.
set -euo pipefail

refuse() { # MESSAGE
  printf 'flatten.sh: %s\n' "$1" >&2
  exit 2
}

case ${1:-} in -h | --help)
  sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
  exit 0
  ;;
esac
(($# == 2)) || refuse "needs two folders, IN and OUT, got $# (see --help)"
in=$(realpath -- "$1") out=$(realpath -m -- "$2")
command -v nona >/dev/null || refuse 'cannot find nona on PATH (rpc shim hugin --dir DIR makes it)'
for file in "$in"/{flat,perspective}.pto; do [[ -r $file ]] || refuse "cannot read project \"$file\""; done
shopt -s nullglob
pictures=("$in"/*.jpg)
((${#pictures[@]})) || refuse "cannot find a picture in \"$in\" (jpg)"
{ mkdir -p -- "$out" && work=$(mktemp -d -- "$out/.flatten.XXXXXX"); } 2>/dev/null ||
  refuse "cannot write to \"$out\" as $(id -u):$(id -g)"
trap 'rm -rf -- "$work"' EXIT
cd -- "$work" # nona runs in the caller's directory, which the worker has under that name

flatten() { # PICTURE
  local name=${1##*/}
  name=${name%.*}
  nona -m PNG -o "$name-flat" "$in/flat.pto" "$1" &&
    nona -m PNG -o "$name" "$in/perspective.pto" "$name-flat.png" &&
    mv -- "$name.png" "$out/" && printf '%s\n' "$out/$name.png"
}

one_ends() { wait -n || failed=$((failed + 1)); }

# Two a processor: there are as many here as where nona runs, and a container has a limit of processes.
failed=0 running=0 most=$(($(nproc) * 2))
for picture in "${pictures[@]}"; do
  ((running < most)) || { one_ends && running=$((running - 1)); }
  flatten "$picture" </dev/null &
  running=$((running + 1))
done
while ((running--)); do one_ends; done
echo "${#pictures[@]} pictures: $((${#pictures[@]} - failed)) done, $failed failed"
((failed == 0))
