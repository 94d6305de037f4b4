#!/usr/bin/env bash
# detect.sh: finds faces in pictures. ImageMagick makes frames of them here, and OpenCV sees faces in its own container.
#
#   detect.sh [PICTURE...]
#
# Each picture becomes a frame (npy, uint8, 640x480, RGB), with black where it isn't as wide or high. All frames go on one
# connection to the procedure `detect` of the worker `ml`, a warm process that has loaded OpenCV and its model. What comes
# back is a line for each picture: its name, a tab, and the faces as X,Y,WIDTH,HEIGHT in pixels of the frame, or -.
#
# Without a PICTURE it checks itself on a free portrait: NASA's of Eileen Collins, of which 21 frames are made. In each it
# lies further right, and the face has to be found where it lies, once, and none in an empty frame between them. PORTRAIT
# names its file. Else it is /usr/share/pixmaps/portrait.png, as in the builder's image, or portrait.sh downloads it.
#
# In containers: docker-compose run --rm -T builder-ml pipelines/detect.sh
#
# From the host, through the worker's socket folder (needs python3-numpy and imagemagick, but no OpenCV):
#
#   mkdir -p run/ml
#   RPC_ML_SOCKETS=./run/ml RPC_UID=$(id -u) RPC_GID=$(id -g) docker-compose up -d ml
#   RPC_DIR=./run pipelines/detect.sh photo.jpg
#
# RPC_WORKER names the worker (ml), RPC_WAIT is how long to wait for it (30s). detect.py sends the frames of any program.
#
# Exit status: 0 all well; 1 a picture or a call failed, or the check; 2 nothing was begun; 128+N signal N.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
width=640 height=480
side=$height # of the portrait in its frames, where its face is a square of about 91 pixels at 165,61
step=8       # pixels that the portrait moves from frame to frame
near=8       # pixels by which the detector may be beside the face

say() { printf 'detect.sh: %s\n' "$1" >&2; }

refuse() { # MESSAGE: nothing was begun
  say "$1"
  exit 2
}

# header is that of a frame's npy: 128 bytes, of which 118 are text.
header() {
  printf '\x93NUMPY\x01\x00v\x00%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($height, $width, 3), }"
}

# frame FILE [OPTION...]: makes a frame of a picture, with ImageMagick's options. A picture that can't be read makes none.
frame() {
  local file=$1
  shift
  convert "${file}[0]" -auto-orient -background black "$@" -extent "${width}x$height" -alpha remove -depth 8 \
    -colorspace sRGB rgb:- >"$work/rgb" || { say "cannot read \"$file\"" && return 1; }
  header
  cat "$work/rgb"
}

frames() { # PICTURE...
  local picture
  for picture; do
    frame "$picture" -resize "${width}x$height" -gravity center || return
  done
}

named() { # PICTURE...: puts the names before the lines of detect.py
  local faces
  while IFS= read -r faces; do
    printf '%s\t%s\n' "$1" "$faces"
    shift
  done
}

# frames_of_portrait makes frames with the portrait at 0, 8, 16 ... 160, and an empty one after the first ten.
frames_of_portrait() {
  local x
  for ((x = 0; x <= width - side; x += step)); do
    frame "$1" -resize "${side}x$side" -repage "${width}x$height+$x+0" -flatten
    ((x != 9 * step)) || frame xc:gray
  done
}

# portrait prints the portrait's file. One that it downloads is kept.
portrait() {
  local file kept=${XDG_CACHE_HOME:-$HOME/.cache}/rpcd/portrait.png
  for file in "${PORTRAIT:-}" /usr/share/pixmaps/portrait.png "$kept"; do
    [[ -z $file || ! -r $file ]] || { echo "$file" && return; }
  done
  mkdir -p "${kept%/*}"
  "$here/portrait.sh" "$kept" || return
  echo "$kept"
}

# check reads the lines of the portrait's frames, and says what is wrong with them.
check() {
  awk -v step="$step" -v near="$near" -v frames=$(((width - side) / step + 2)) '
    function off(a, b) { return a > b + near || a < b - near }
    function bad(why) { print "detect.sh: frame " NR ": " why ": " $0 >"/dev/stderr"; wrong = 1 }
    NR == 11 { if ($0 != "-") bad("a face where there is none"); next }
    {
      x = (NR - 1 - (NR > 11)) * step
      if (split($1, box, ",") != 4 || NF != 1) bad("not one face")
      else if (off(box[1], 165 + x) || off(box[2], 61) || off(box[3], 91) || off(box[4], 91)) bad("not where the face is")
    }
    END {
      if (NR != frames) { print "detect.sh: " NR " answers for " frames " frames" >"/dev/stderr"; wrong = 1 }
      if (!wrong) print frames " frames: the face found in " frames - 1 ", each time where it lies, and none in the empty one"
      exit wrong
    }'
}

case ${1:-} in
-h | --help)
  sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
  exit 0
  ;;
-*) refuse "unknown option \"$1\" (see --help)" ;;
esac
for tool in rpc convert python3; do
  type -P "$tool" >/dev/null || refuse "cannot find $tool on PATH (rpc: see README.md; apt-get install imagemagick python3-numpy)"
done
for picture; do
  [[ -f $picture && -r $picture ]] || refuse "cannot read picture \"$picture\""
done
worker=${RPC_WORKER:-ml}
export RPC_WAIT=${RPC_WAIT:-30s}
rpc ping "$worker" >/dev/null 2>&1 || {
  say "waits for the worker $worker, up to $RPC_WAIT"
  rpc ping --wait "$RPC_WAIT" "$worker" >/dev/null || refuse "cannot begin: no worker $worker"
}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if (($#)); then
  frames "$@" | "$here/detect.py" "$worker" | named "$@"
else
  picture=$(portrait) || refuse "no portrait to check on (name one: PORTRAIT=FILE)"
  frames_of_portrait "$picture" | "$here/detect.py" "$worker" | check
fi
