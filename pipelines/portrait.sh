#!/usr/bin/env bash
# portrait.sh FILE: writes a free portrait to FILE, on which detect.sh checks that faces are found.
#
# It is NASA's picture of the astronaut Eileen Collins, in the public domain: PNG, 512x512. Debian's package
# python3-skimage has it. The package is only downloaded (20 MB) and unpacked, since installed it would bring 100 MB of
# others. So this needs no root, but apt's package lists (apt-get update). If the package is installed, its file is used.
set -euo pipefail

(($# == 1)) || {
  echo "portrait.sh: say where the portrait shall be: portrait.sh FILE" >&2
  exit 2
}
inside=usr/lib/python3/dist-packages/skimage/data/astronaut.png
if [[ -r /$inside ]]; then
  cp -- "/$inside" "$1"
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as a user of its own, if it can
(cd "$work" && apt-get -qq download python3-skimage >log 2>&1) || {
  tail -n 3 "$work/log" >&2
  echo "portrait.sh: cannot download the package python3-skimage (try: apt-get update)" >&2
  exit 1
}
dpkg-deb --fsys-tarfile "$work"/python3-skimage_*.deb | tar -xO "./$inside" >"$work/portrait"
cp -- "$work/portrait" "$1"
