#!/usr/bin/env bash
# compose-v2.sh: prints the path of a docker compose v2, for the tests that run our docker-compose.yml with it.
#
# An installed plugin or binary of version 2 is taken as it is. Otherwise v2 is built once (3 minutes on two
# cores, 900 MB of disk meanwhile) into ${XDG_CACHE_HOME:-~/.cache}/rpcd/compose-v2/ and taken from there later:
# Debian 12 packages version 1 alone. A plain `go install` refuses the module's exclude directives, so a scratch
# module requires it instead. stdout is the path and nothing else; the build's own words go to a log beside it.
set -euo pipefail

version=${COMPOSE_V2_VERSION:-v2.40.3}
package=github.com/docker/compose/v2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rpcd/compose-v2
binary=$cache/docker-compose-$version

die() {
  echo "compose-v2.sh: $*" >&2
  exit 1
}

# A binary that answers `version` as v2 does; one that is there but broken is no reason to stop.
is_v2() {
  [[ -x $1 ]] && [[ $("$1" version --short 2>/dev/null) =~ ^v?[2-9]\. ]]
}

installed() {
  local path
  for path in "$HOME/.docker/cli-plugins/docker-compose" \
    /usr/{local/,}{lib,libexec}/docker/cli-plugins/docker-compose "$(type -P docker-compose || true)"; do
    is_v2 "$path" && echo "$path" && return
  done
  return 1
}

if [[ -z ${COMPOSE_V2_BUILD:-} ]] && installed; then exit 0; fi
if [[ -x $binary ]]; then
  echo "$binary"
  exit 0
fi
command -v go >/dev/null || die "cannot build docker compose $version: no go on PATH (install Go, or compose v2 itself)"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # a second run waits here for the first one's binary
if [[ -x $binary ]]; then
  echo "$binary"
  exit 0
fi
work=$(mktemp -d "$cache/build.XXXXXX")
# Modules are read-only in Go's cache, not here: work holds a build cache and two files.
trap 'rm -rf "$work"' EXIT
log=$cache/build.log
echo "compose-v2.sh: building docker compose $version (some minutes, once; log: $log)" >&2

# A build cache of its own, gone afterwards: nothing else would read what it leaves in the user's.
build() {
  cd "$work"
  export GOCACHE=$work/gocache GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
  go mod init scratch
  go get "$package/cmd@$version"
  go build -trimpath -ldflags "-s -w -X $package/internal.Version=$version" -o docker-compose "$package/cmd"
}
(build) >"$log" 2>&1 </dev/null || {
  tail -n 20 "$log" >&2
  die "cannot build docker compose $version: see $log"
}
mv "$work/docker-compose" "$binary"
echo "$binary"
