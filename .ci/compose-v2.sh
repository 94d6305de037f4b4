#!/usr/bin/env bash
# compose-v2.sh: prints the path of a docker compose v2, for the tests that run our docker-compose.yml with it.
#
# An installed plugin or binary of version 2 is used as it is. Else the script builds v2, since Debian 12 packages only
# version 1. The build takes 3 minutes on two cores, and 900 MB of disk meanwhile. It is done once: later runs find the
# result in ${XDG_CACHE_HOME:-~/.cache}/rpcd/compose-v2/.
#
# `go install` can't build the module because of its exclude directives, so an empty module requires it instead. stdout
# has only the path. The output of the build goes to a log beside the binary.
set -euo pipefail

version=${COMPOSE_V2_VERSION:-v2.40.3}
package=github.com/docker/compose/v2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rpcd/compose-v2
binary=$cache/docker-compose-$version

die() {
  echo "compose-v2.sh: $*" >&2
  exit 1
}

# is_v2 PATH: whether PATH is a binary that answers `version` as v2 does. A broken one counts as missing.
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
# rm can remove $work: it has a build cache and two files, but no module cache, whose files are read-only.
trap 'rm -rf "$work"' EXIT
log=$cache/build.log
echo "compose-v2.sh: building docker compose $version (some minutes, once; log: $log)" >&2

# build has a build cache of its own, which is removed afterwards. No other build would use these entries.
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
