# deb.sh: functions of release.sh, which sources it: what lies where in a tarball and in a Debian package.
#
# They use $out, $work, $version, $deb_version and $epoch, and what release.sh has made in $work/man and
# $work/completion.
#
# shellcheck shell=bash disable=SC2154

# python FOLDER: the Python package, and the words about it by which pip knows it.
python() {
  local about=$1/rpcd-${version//-/}.dist-info # as PEP 440 writes a version
  install -d "$1/rpcd" "$about"
  install -m 644 client/python/rpcd/*.py client/python/rpcd/py.typed "$1/rpcd/"
  sed -n 's/^description = "\(.*\)"$/Summary: \1/p; s/^requires-python = "\(.*\)"$/Requires-Python: \1/p' client/python/pyproject.toml |
    cat <(printf 'Metadata-Version: 2.1\nName: rpcd\nVersion: %s\n' "${version//-/}") - >"$about/METADATA"
  echo packaging/release.sh >"$about/INSTALLER"
}

# dated FOLDER: everything in it is from the time of the commit.
dated() { find "$1" -exec touch -h -d "@$epoch" {} +; }

tarball() { # ARCH
  local name=rpcd-$version-linux-$1
  local root=$work/$name
  install -d "$root/man" "$root/completion" "$root/systemd" "$root/python"
  install -m 755 "$out/linux-$1/rpc" "$out/linux-$1/rpcd" "$root/"
  ln -s rpc "$root/rpc-rsh"
  install -m 644 "$work"/man/* "$root/man/"
  install -m 644 "$work"/completion/* "$root/completion/"
  install -m 644 systemd/* "$root/systemd/"
  install -m 644 LICENSE README.md SECURITY.md CHANGELOG.md "$root/"
  python "$root/python"
  tar -C "$work" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu -c "$name" |
    gzip -9n >"$out/rpcd_${version}_linux_$1.tar.gz"
}

# installed_size FOLDER: KiB of its files, as Debian counts them, whatever the file system.
installed_size() {
  find "$1" -path "$1/DEBIAN" -prune -o -type f -printf '%s\n' -o -printf '1\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }'
}

# control ARCH FOLDER: what dpkg reads.
control() {
  local file
  install -d "$2/DEBIAN"
  for file in postinst prerm postrm; do install -m 755 "packaging/debian/$file" "$2/DEBIAN/"; done
  install -m 644 packaging/debian/conffiles "$2/DEBIAN/"
  sed -e "s/@VERSION@/$deb_version/; s/@ARCH@/$1/; s/@SIZE@/$(installed_size "$2")/" packaging/debian/control >"$2/DEBIAN/control"
  (cd "$2" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$work/md5sums"
  install -m 644 "$work/md5sums" "$2/DEBIAN/"
}

package() { # ARCH
  local root=$work/deb-$1 doc=usr/share/doc/rpcd program page
  install -d "$root/usr/bin" "$root/etc/rpcd/exports" "$root/usr/lib/systemd/system" "$root/$doc/docs" "$root/$doc/rpcd" "$root/$doc/examples" \
    "$root"/usr/share/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d,lintian/overrides}
  install -m 755 "$out/linux-$1/rpc" "$out/linux-$1/rpcd" "$root/usr/bin/"
  ln -s rpc "$root/usr/bin/rpc-rsh"
  install -m 644 packaging/debian/rpcd.conf "$root/etc/rpcd/"
  install -m 644 systemd/rpcd* "$root/usr/lib/systemd/system/"
  for page in "$work"/man/*; do
    install -d "$root/usr/share/man/man${page##*.}"
    gzip -9n <"$page" >"$root/usr/share/man/man${page##*.}/${page##*/}.gz"
  done
  for program in rpc rpcd; do
    install -m 644 "$work/completion/$program.bash" "$root/usr/share/bash-completion/completions/$program"
    install -m 644 "$work/completion/$program.zsh" "$root/usr/share/zsh/vendor-completions/_$program"
    install -m 644 "$work/completion/$program.fish" "$root/usr/share/fish/vendor_completions.d/"
  done
  python "$root/usr/lib/python3/dist-packages"
  install -m 644 README.md SECURITY.md "$root/$doc/"
  install -m 644 docs/*.md "$root/$doc/docs/"
  install -m 644 rpcd/PROTOCOL.md "$root/$doc/rpcd/"
  install -m 644 systemd/run-as-caller.conf "$root/$doc/examples/"
  install -m 644 LICENSE "$root/$doc/copyright"
  gzip -9n >"$root/$doc/changelog.gz" <<CHANGES
rpcd ($deb_version) unstable; urgency=medium

  * CHANGELOG.md of the sources says what is new.

 -- rpcd <rpcd@localhost>  $(date -d "@$epoch" -R)
CHANGES
  install -m 644 packaging/debian/overrides "$root/usr/share/lintian/overrides/rpcd"
  control "$1" "$root"
  dated "$root"
  # One thread: the blocks of several depend on their number.
  dpkg-deb --root-owner-group --threads-max=1 -Zxz -b "$root" "$out/rpcd_${deb_version}_$1.deb" >/dev/null
}
