#!/usr/bin/env bash
# base-image.sh: makes sure that the engine has debian:bookworm-slim, on which our Dockerfiles build (FROM).
#
# An image that the engine has already is used as it is. Else the script pulls it, if a registry answers. Else it makes
# the image from Debian packages, which takes a minute, 90 MB and root. A made image has the official image's settings
# that keep apt's and dpkg's files out of later layers.
#
# BASE_IMAGE: another name for the image. BASE_PULL=0: don't try to pull.
set -euo pipefail

image=${BASE_IMAGE:-debian:bookworm-slim}
suite=bookworm

die() {
  echo "base-image.sh: cannot make $image: $*" >&2
  exit 1
}

docker info >/dev/null 2>&1 || die "no container engine answers (try .ci/engine.sh)"
docker image inspect "$image" >/dev/null 2>&1 && exit 0
if [[ ${BASE_PULL:-1} == 1 ]] && timeout 120 docker pull -q "$image" >/dev/null 2>&1; then exit 0; fi

((EUID == 0)) || die "debootstrap needs root (run .ci/base-image.sh as root once)"
if ! command -v debootstrap >/dev/null || [[ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap debian-archive-keyring \
    >/dev/null || die "apt-get install debootstrap failed"
fi

# mirror SUITE: where this machine gets the suite from, so that the image uses the same mirror. On a machine of another
# release it prints nothing.
mirror() {
  # shellcheck disable=SC2016 # apt's placeholder, not ours
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $1" 2>/dev/null | head -n 1
}
[[ -n $(mirror "$suite") ]] || apt-get update -qq || true # a bare machine has no package lists yet
main=$(mirror "$suite")
main=${main:-http://deb.debian.org/debian}
security=$(mirror "$suite-security")
security=${security:-http://deb.debian.org/debian-security}

work=$(mktemp -d)
root=$work/root
trap 'rm -rf "$work"' EXIT
echo "base-image.sh: making $image from Debian packages (about a minute, once)" >&2
timeout 900 debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$main" >"$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  die "debootstrap failed"
}

printf 'deb %s %s main\n' "$main" "$suite" "$main" "$suite-updates" "$security" "$suite-security" \
  >"$root/etc/apt/sources.list"
cat >"$root/etc/apt/apt.conf.d/docker-slim" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; Acquire::Languages "none";
CONF
printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright' \
  'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/locale/*' >"$root/etc/dpkg/dpkg.cfg.d/docker-slim"
# This file forbids packages to start their services while an image is built.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* \
  "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root/etc/resolv.conf" "$root/etc/hostname"
find "$root/usr/share/doc" -mindepth 2 ! -name copyright -type f -delete

tar -C "$root" --numeric-owner -c . | docker import --change 'CMD ["bash"]' - "$image" >/dev/null
