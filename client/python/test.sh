#!/usr/bin/env bash
# test.sh: the tests of the Python package, with the oldest and the newest Python that are installed, and mypy.
#
#   client/python/test.sh              every test
#   client/python/test.sh tests.test_run [-k NAME]     as unittest takes it
#
# It builds rpcd of this tree, unless RPCD_TEST_BIN names a folder with both binaries. The python3 of PATH or of
# /usr/bin that has NumPy runs all tests. Other Pythons may lack NumPy and then skip those that need it.
# Needs python3-numpy, mypy and socat (Debian).
set -euo pipefail
cd "$(dirname "$0")"

pythons() { # each Python from 3.9 on, oldest first: VERSION PATH
  local p
  for p in /usr/bin/python3.? /usr/bin/python3.?? /usr/local/bin/python3.?? ~/.pyenv/versions/3.*/bin/python3; do
    [ -x "$p" ] || continue
    "$p" -c 'import sys; v = sys.version_info; v >= (3, 9) and print("%d.%02d.%02d" % v[:3], sys.executable)'
  done | sort -u
}

with_numpy() {
  local p
  for p in python3 /usr/bin/python3; do
    if "$p" -c 'import numpy' 2>/dev/null; then
      echo "$p"
      return
    fi
  done
  echo "client/python/test.sh: no python3 has numpy (apt-get install python3-numpy)" >&2
  return 1
}

if [ -z "${RPCD_TEST_BIN:-}" ]; then
  RPCD_TEST_BIN=$(mktemp -d)
  trap 'rm -rf "$RPCD_TEST_BIN"' EXIT
  (cd ../.. && go build -o "$RPCD_TEST_BIN/" ./cmd/rpc ./cmd/rpcd)
fi
export RPCD_TEST_BIN
chmod 755 "$RPCD_TEST_BIN"

main=$(with_numpy)
mypy --strict --python-version 3.9 rpcd tests rpcd_build.py
(($#)) || set -- discover -t . -s tests
run() { # PYTHON
  echo "== $("$1" --version)"
  "$1" -W error::ResourceWarning -m unittest "${@:2}"
}
RPCD_TEST_NUMPY=1 run "$main" "$@"
mapfile -t all < <(pythons | cut -d' ' -f2-)
for p in "${all[0]}" "${all[-1]}"; do
  [ "$(realpath "$p")" = "$(realpath "$(command -v "$main")")" ] || run "$p" "$@"
done
