#!/usr/bin/env bash
# base-image.sh: makes sure that the engine has debian:bookworm-slim, which our Dockerfiles start FROM.
#
# Taken as it is where the engine has it, pulled where a registry answers, and otherwise made once from Debian
# packages (a minute, 90 MB, needs root), with the settings of the official image that keep apt's and dpkg's
# leftovers out of the layers above it. BASE_IMAGE: another name for the result. BASE_PULL=0: don't try to pull.
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

# Where this machine gets a suite from, so that its own mirror serves the image too; nothing on another release.
mirror() {
  # shellcheck disable=SC2016 # apt's placeholder, not ours
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $1" 2>/dev/null | head -n 1
}
[[ -n $(mirror "$suite") ]] || apt-get update -qq || true # a bare machine has no lists yet
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
# A package's service isn't started while an image is built.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* \
  "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root/etc/resolv.conf" "$root/etc/hostname"
find "$root/usr/share/doc" -mindepth 2 ! -name copyright -type f -delete

tar -C "$root" --numeric-owner -c . | docker import --change 'CMD ["bash"]' - "$image" >/dev/null
