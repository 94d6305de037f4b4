#!/usr/bin/env bash
# package-test.sh [NAME...]: tests what packaging/release.sh makes: the same bytes twice, the Debian package under a real
# systemd, and the image. It runs all tests, or the named ones. --list prints their names.
#
# Needs an engine (.ci/engine.sh), the base image (.ci/base-image.sh) and Go. All names contain the script's pid, and
# every way out of the script removes them. Only the image rpc-systemd-bare stays. The output is `ok NAME (SECONDS)` or
# `not ok NAME: why`.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
project=rpcdpackage$$
work=$(mktemp -d)
s=$project-s # the container with systemd
image=rpc-systemd-bare
arch=$(dpkg --print-architecture)

# shellcheck source=.ci/cases.sh
. "$top/.ci/cases.sh"
# shellcheck source=.ci/boot.sh
. "$top/.ci/boot.sh"

more_on_failure() {
  docker exec "$s" journalctl --no-pager -o short-precise -n 25 2>/dev/null | sed 's/^/    | /' || true
}

in_s() { docker exec -i "$s" "$@"; }
sc() { in_s systemctl "$@"; }

# release FOLDER VERSION ARCH...: makes a release of this tree, in the name of another version.
release() {
  RPCD_VERSION=$2 SOURCE_DATE_EPOCH=1700000000 "${tree:-$top}/packaging/release.sh" "$work/$1" "${@:3}"
}

# once FOLDER VERSION: makes a release for this machine unless a test has made it already.
once() { [[ -e $work/$1/SHA256SUMS ]] || release "$1" "$2" "$arch"; }

clean() {
  if [[ -n ${job:-} ]]; then kill "$job" 2>/dev/null || true; fi
  docker ps -aq --filter "name=^$project-" | xargs -r docker rm -f >/dev/null
  docker rmi -f "$project-scratch" "$project-copy" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck source=.ci/package-cases.sh
. "$top/.ci/package-cases.sh"

choose "$top/.ci/package-cases.sh" "$@"
need "$top/bin"
run_all
