#!/usr/bin/env bash
# release.sh FOLDER [ARCH...]: makes what is released, for amd64 and arm64 unless named, into FOLDER:
#
#   linux-ARCH/                      rpc, rpcd and rpc-rsh, static: the context of packaging/Dockerfile
#   rpcd_VERSION_linux_ARCH.tar.gz   the same with manual pages, completion, units and the Python package
#   rpcd_VERSION_ARCH.deb            for Debian 12 and later
#   SHA256SUMS                       of all of them
#
# release.sh --version prints the version alone, and the Debian package's.
#
# Two runs on one commit give the same bytes, in whatever folder, with the same releases of Go, gzip, xz and dpkg. The
# version is the commit's tag without its v; else the last tag's, or internal/version's, with the commit behind it. Where
# there is no git, RPCD_VERSION and SOURCE_DATE_EPOCH name version and time. It needs dpkg-deb, which Debian has.
set -euo pipefail
usage="usage: packaging/release.sh FOLDER [amd64|arm64...]"
out=${1:?$usage}
shift
[[ $out == /* ]] || out=$PWD/$out
cd "$(dirname "$0")/.."
(($#)) || set -- amd64 arm64
arches=("$@")

# Nothing of this machine's settings may be in what is made.
umask 022
export LC_ALL=C TZ=UTC GOFLAGS='' GOWORK=off GOOS=linux GOAMD64=v1 GOARM64=v8.0

die() {
  echo "release.sh: $*" >&2
  exit 1
}
command -v dpkg-deb >/dev/null || die "cannot make packages: no dpkg-deb here (install dpkg)"
for arch in "${arches[@]}"; do
  case $arch in amd64 | arm64) ;; *) die "cannot build for \"$arch\" ($usage)" ;; esac
done

# find_version sets $version and $epoch, and $deb_version, which sorts as Debian wants: what comes before a release is
# less than it.
find_version() {
  local tag base since own=()
  version=${RPCD_VERSION:-} epoch=${SOURCE_DATE_EPOCH:-}
  if [[ -z $version || -z $epoch ]]; then
    git rev-parse HEAD >/dev/null 2>&1 || die "cannot tell the version: no git here (set RPCD_VERSION and SOURCE_DATE_EPOCH)"
    epoch=${epoch:-$(git log -1 --format=%ct)}
  fi
  if [[ -n $version ]]; then
    deb_version=${version//-/\~}
    return
  fi
  if tag=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null); then
    version=${tag#v} deb_version=${tag#v}
    deb_version=${deb_version//-/\~}
  elif tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null); then
    base=${tag#v} since=$(git rev-list --count "$tag..HEAD")
    version=$base+$(git rev-parse --short=12 HEAD) deb_version=${base//-/\~}+git$since.$(git rev-parse --short=12 HEAD)
  else
    base=$(sed -n 's/^const release = "\(.*\)"$/\1/p' internal/version/version.go) since=$(git rev-list --count HEAD)
    version=$base+$(git rev-parse --short=12 HEAD) deb_version=$base~git$since.$(git rev-parse --short=12 HEAD)
  fi
  [[ $out != "$PWD"/* ]] || own=(":(exclude)${out#"$PWD"/}")
  if [[ -n $(git status --porcelain -- . "${own[@]}") ]]; then
    echo "release.sh: files have changed since the commit: this is no release" >&2
    version+=.dirty deb_version+=.dirty
  fi
}

# shellcheck source=packaging/deb.sh
. packaging/deb.sh

find_version
[[ $version =~ ^[0-9][0-9A-Za-z.+~-]*$ ]] || die "cannot use the version \"$version\": it begins with a digit, and has letters, digits and .+~- behind it"
if [[ ${out##*/} == --version ]]; then
  echo "$version $deb_version"
  exit
fi
export SOURCE_DATE_EPOCH=$epoch
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the programs say of themselves, which is the same for every machine.
env -u GOARCH RPCD_VERSION="$version" .ci/build.sh "$work/native"
mkdir "$work/man" "$work/completion"
env -u GOARCH go run -buildvcs=false ./internal/docs man "$work/native" "$work/man" "$version" "$(date -d "@$epoch" +%F)"
for program in rpc rpcd; do
  for shell in bash zsh fish; do "$work/native/$program" completion $shell >"$work/completion/$program.$shell"; done
done

made=()
for arch in "${arches[@]}"; do
  rm -rf "$out/linux-$arch"
  if [[ $arch == "$(env -u GOARCH go env GOHOSTARCH)" ]]; then
    cp -r "$work/native" "$out/linux-$arch"
  else
    GOARCH=$arch RPCD_VERSION=$version .ci/build.sh "$out/linux-$arch"
  fi
  ln -s rpc "$out/linux-$arch/rpc-rsh"
  tarball "$arch"
  package "$arch"
  made+=("linux-$arch/rpc" "linux-$arch/rpcd" "rpcd_${version}_linux_$arch.tar.gz" "rpcd_${deb_version}_$arch.deb")
done
(cd "$out" && sha256sum "${made[@]}" >SHA256SUMS)
cat "$out/SHA256SUMS"
