#!/usr/bin/env bash
# make_samples.sh [DIR]: draws the sample pictures of pipelines/data_prep.sh, and writes the Hugin projects for them.
#
# Writes lecture-1.jpg, lecture-2.jpg, lecture-3.jpg, flat.pto and perspective.pto to DIR (volumes/images/in).
# They are committed, so run this only to change them. Needs hugin-tools, ImageMagick and the DejaVu fonts.
#
# A lecture hall is drawn as five faces of a cube. They are joined to a panorama, and mirrored as some recorders do. A
# circular fisheye camera looks at the panorama from the ceiling, off the middle and tilted down. The pipeline undoes
# all this: fisheye correction, perspective control, mirror. The drawings have the project's license.
set -euo pipefail

out=$(realpath -- "${1:-"$(dirname -- "$0")/../volumes/images/in"}")
yaw=17    # degrees by which the camera looks past the blackboard, in the mirrored hall
pitch=-14 # degrees by which the camera looks down; negative, since the hall is turned up instead
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1
face=1400 # pixels of the side of a cube's face, which is 90 degrees wide

for tool in convert nona; do
  command -v "$tool" >/dev/null || {
    echo "make_samples.sh: $tool is not installed (try: apt-get install hugin-tools imagemagick fonts-dejavu-core)" >&2
    exit 1
  }
done

# Drawings use a square of 1000 x 1000 units. draw scales it to the size of a face.
draw() { # FILE COLOUR MVG
  convert -size "${face}x$face" "xc:$2" -font DejaVu-Sans -draw "scale $(awk "BEGIN{print $face/1000}"),$(awk "BEGIN{print $face/1000}") $3" \
    -depth 8 "$work/$1.png"
}

grid() { # X0 X1 Y0 Y1 STEP: lines
  local i
  for ((i = $1; i <= $2; i += $5)); do echo "line $i,$3 $i,$4"; done
  for ((i = $3; i <= $4; i += $5)); do echo "line $1,$i $2,$i"; done
}

front() { # FILE TITLE DRAWING LECTURER_X: the wall with the blackboard
  local person=$4
  draw "$1" '#e9e1cf' "
    fill '#cfc4ab' rectangle 0,880 1000,1000
    fill '#7a4f2a' rectangle 130,270 870,700
    fill '#1f4a3a' rectangle 145,285 855,685
    fill none stroke '#2f6350' stroke-width 1.5 $(grid 145 845 285 685 50)
    stroke none fill '#b58b5a' rectangle 130,700 870,716
    fill '#f4f1e6' font-size 56 text 175,365 '$2'
    fill none stroke '#f4f1e6' stroke-width 4 $3
    stroke none fill white circle 500,170 500,120 fill none stroke '#333333' stroke-width 6 circle 500,170 500,120
    line 500,170 500,134 line 500,170 526,184
    stroke none fill '#8a5a33' rectangle 905,430 990,880 fill '#d9b36a' circle 920,660 920,652
    fill '#33415c' roundrectangle $((person - 45)),560 $((person + 45)),780 30,30
    fill '#252525' rectangle $((person - 36)),770 $((person - 6)),905 rectangle $((person + 6)),770 $((person + 36)),905
    fill '#e0b08c' circle $person,515 $person,473
    fill none stroke '#33415c' stroke-width 26 line $((person - 30)),590 $((person - 95)),520
    stroke none fill '#6f4a2c' rectangle 330,830 620,940 fill '#8a5f3b' rectangle 315,815 635,835"
}

side() { # FILE: a wall with three windows
  local x windows=""
  for x in 80 400 720; do
    windows+="fill '#8fa3b5' rectangle $x,250 $((x + 200)),650 fill '#cfe6f7' rectangle $((x + 12)),262 $((x + 94)),638
      rectangle $((x + 106)),262 $((x + 188)),638 "
  done
  draw "$1" '#dcd3bf' "$windows fill '#cfc4ab' rectangle 0,880 1000,1000"
}

hall() {
  local tiles="" i j
  for ((i = 0; i < 10; i++)); do
    for ((j = i % 2; j < 10; j += 2)); do
      tiles+="rectangle $((i * 100)),$((j * 100)) $((i * 100 + 100)),$((j * 100 + 100)) "
    done
  done
  draw floor '#b9a58a' "fill '#a08b6e' $tiles"
  draw ceiling '#f3f0e8' "fill none stroke '#d2cbbb' stroke-width 5 $(grid 0 1000 0 1000 125) stroke none fill '#fffbe0'
    rectangle 210,200 290,800 rectangle 710,200 790,800"
  side left
  side right
}

# panorama joins the cube's faces to a mirrored panorama of 360 x 180 degrees, turned by the camera's yaw.
panorama() { # FRONT
  local name y p
  {
    echo 'p f2 w3600 h1800 v360 n"TIFF_m c:NONE"'
    echo 'm g1 i0'
    while read -r name y p; do
      echo "i w$face h$face f0 v90 y$y p$p r0 n\"$work/$name.png\""
    done <<FACES
floor $yaw -90
ceiling $yaw 90
left $((yaw - 90)) 0
right $((yaw + 90)) 0
$1 $yaw 0
FACES
  } >"$work/cube.pto"
  nona -m TIFF -o "$work/panorama" "$work/cube.pto"
  convert "$work/panorama.tif" -background '#808080' -alpha remove -alpha off -flop "$work/panorama.png"
}

# fisheye draws the panorama as a circular fisheye of 180 degrees sees it. Outside the circle it is black.
fisheye() { # FILE
  cat >"$work/fisheye.pto" <<PTO
p f3 w1024 h1024 v180 n"TIFF_m c:NONE"
m g1 i0
i w3600 h1800 f4 v360 y0 p$pitch r0 n"$work/panorama.png"
PTO
  nona -m TIFF -o "$work/fisheye" "$work/fisheye.pto"
  convert "$work/fisheye.tif" -alpha remove -alpha off \
    \( -size 1024x1024 xc:black -fill white -draw 'circle 511.5,511.5 511.5,3' -blur 0x0.7 \) \
    -compose multiply -composite -blur 0x0.4 -strip -sampling-factor 2x2 -quality 82 "$1"
}

projects() {
  # Fisheye correction makes the lines straight. The wall still leans, because the camera is tilted.
  cat >"$out/flat.pto" <<'PTO'
# hugin project file
#hugin_ptoversion 2
p f0 w1800 h1200 v128 E0 R0 n"PNG"
m g1 i0 f0 m2
i w1024 h1024 f2 v180 Ra0 Rb0 Rc0 Rd0 Re0 Eev0 Er1 Eb1 r0 p0 y0 TrX0 TrY0 TrZ0 Tpy0 Tpp0 j0 a0 b0 c0 d0 e0 g0 t0 Va1 Vb0 Vc0 Vd0 Vx0 Vy0 S0,1024,0,1024 Vm5 n"image.jpg"
#hugin_blender enblend
#hugin_remapper nona
#hugin_outputLDRBlended true
#hugin_outputImageType png
PTO
  # Perspective control undoes the camera's yaw and pitch, so that the wall is seen upright from the front.
  cat >"$out/perspective.pto" <<PTO
# hugin project file
#hugin_ptoversion 2
p f0 w2000 h2000 v90 E0 R0 S180,1820,380,1480 n"PNG"
m g1 i0 f0 m2
i w1800 h1200 f0 v128 Ra0 Rb0 Rc0 Rd0 Re0 Eev0 Er1 Eb1 r0 p$((-pitch)) y$yaw TrX0 TrY0 TrZ0 Tpy0 Tpp0 j0 a0 b0 c0 d0 e0 g0 t0 Va1 Vb0 Vc0 Vd0 Vx0 Vy0 Vm5 n"flat.png"
#hugin_blender enblend
#hugin_remapper nona
#hugin_outputLDRBlended true
#hugin_outputImageType png
PTO
}

sine="path 'M 190,560 L 800,560' path 'M 200,420 L 200,665' path 'M 200,560 C 260,400 320,400 380,560 S 500,720 560,560 680,400 740,560'"
triangle="path 'M 220,650 L 640,650 L 640,420 Z' path 'M 610,650 L 610,620 L 640,620'"
bars="path 'M 190,660 L 800,660' $(for x in 0 1 2 3 4 5; do echo "rectangle $((220 + x * 80)),$((640 - x * (6 - x) * 24)) $((270 + x * 80)),660"; done)"

mkdir -p "$out"
hall
front board1 'Lecture 1: Waves' "$sine" 790
front board2 'Lecture 2: Triangles' "$triangle" 700
front board3 'Lecture 3: Counting' "$bars" 770
for n in 1 2 3; do
  panorama "board$n"
  fisheye "$out/lecture-$n.jpg"
done
projects
