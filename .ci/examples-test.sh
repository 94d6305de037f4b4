#!/usr/bin/env bash
# examples-test.sh: tests what examples.sh does on a machine that lacks socat, Hugin, enblend, ImageMagick, NumPy,
# OpenCV and h5py. PATH leads to the machine's own programs, but for these. Its Python doesn't see Debian's modules (-S). A
# stand-in for apt-get writes down its arguments, and gives all of them back.
#
# It works on a copy of the tree. Exit status: 0, or 1 if a case failed.
set -euo pipefail
cd "$(dirname "$0")/.."
unset RPCD_TEST_ALL # here something may be left out

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
git ls-files -z | xargs -0 cp -P --parents -t "$work/tree"
lacking=(socat hugin_executor enblend convert)
pipelines/portrait.sh "$work/portrait.png" # the stand-in can't download it
export PORTRAIT=$work/portrait.png
failed=0

# machine makes a PATH without the tools, in the folder NAME.
machine() { # NAME
  local folder=$work/$1 file tool
  mkdir "$folder"
  for file in /usr/bin/* /usr/sbin/* /bin/* "$(command -v go)"; do
    [ -e "$folder/${file##*/}" ] || ln -s "$file" "$folder/"
  done
  for tool in "${lacking[@]}" python3 apt-get sudo; do rm -f "${folder:?}/$tool"; done
  {
    printf '#!/bin/sh\necho "$*" >>"%s"\ncase " $* " in *" install "*) ;; *) exit ;; esac\n' "$work/$1.apt"
    for tool in "${lacking[@]}"; do printf 'ln -s "%s" "%s/"\n' "$(command -v "$tool")" "$folder"; done
  } >"$folder/apt-get"
  echo "ln -sf /usr/bin/python3 \"$folder/python3\"" >>"$folder/apt-get"
  # shellcheck disable=SC2016 # the script's arguments, not ours
  printf '#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n' >"$folder/python3"
  chmod +x "$folder/apt-get" "$folder/python3"
}

examples() { # NAME [OPTION...]
  local name=$1
  shift
  rm -rf "$work/tree/volumes/images/out"
  PATH=$work/$name GOROOT=$(go env GOROOT) "$work/tree/examples.sh" "$@" >"$work/$name.out" 2>&1 || fails "$name" "examples.sh ended with status $?"
}

fails() { # NAME WHAT
  printf 'examples-test.sh: %s: %s\n' "$1" "$2" >&2
  tail -n 20 "$work/$1.out" | sed 's/^/    /' >&2
  failed=1
}

says() { # NAME PATTERN
  grep -qE -- "$2" "$work/$1.out" || fails "$1" "doesn't say \"$2\""
}

machine bare
examples bare
says bare '^== install socat hugin-tools enblend imagemagick python3-numpy python3-opencv python3-h5py \(--no-install'
says bare '^10 callers, 10 frames: 1 to 10, none twice$'
says bare '^22 frames: the face found in 21,'
says bare '^200 arrays of 256x256: each transform is right, and in its place$'
says bare '^50 frames in the file, each as it was sent$'
says bare '^after the writer: frame 400, 480x640: whole$'
says bare '/images/out/lecture-3\.png$'
[ "$(tail -n 1 "$work/bare.out")" = '== all well' ] || fails bare "the last line isn't \"all well\""
grep -q 'install -y --no-install-recommends socat hugin-tools enblend imagemagick python3-numpy python3-opencv python3-h5py$' "$work/bare.apt" || fails bare "apt-get got $(cat "$work/bare.apt")"

machine refused
examples refused --no-install
says refused '^\(left out: it needs socat: apt-get install socat\)$'
says refused '^\(left out: it needs hugin_executor enblend convert: apt-get install hugin-tools enblend imagemagick\)$'
says refused '^\(left out: it needs numpy: apt-get install python3-numpy\)$'
says refused '^\(left out: it needs numpy cv2 convert: apt-get install python3-numpy python3-opencv imagemagick\)$'
says refused '^\(left out: it needs numpy h5py: apt-get install python3-numpy python3-h5py\)$'
says refused '^== all well, but left out$'
[ ! -e "$work/refused.apt" ] || fails refused "apt-get was called with --no-install"

machine user
printf '#!/bin/sh\necho 1000\n' >"$work/user-id" && chmod +x "$work/user-id"
ln -sf "$work/user-id" "$work/user/id"
examples user
says user '^== neither root nor sudo here: what needs socat hugin_executor enblend convert numpy cv2 h5py is left out'
[ ! -e "$work/user.apt" ] || fails user "apt-get was called without the right to"

((failed == 0)) && echo "examples-test.sh: 3 passed"
((failed == 0))
