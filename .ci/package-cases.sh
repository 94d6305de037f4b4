# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# package-cases.sh: the cases of package-test.sh, which sources this file and runs its functions test_* in this order.
# They use functions and variables of package-test.sh.

# The version is the tag's. Debian's sorts as releases do, before the first tag also.
test_version_of_a_tag() {
  local got before
  git -C "$top" ls-files -z packaging internal/version | tar -C "$top" --null -T - -c | (mkdir "$work/tagged" && tar -C "$work/tagged" -x)
  cd "$work/tagged" || exit 1
  git init -q .
  commit() { git add -A && git -c user.name=a -c user.email=a@b commit -qm x --allow-empty; }
  commit
  read -r _ before <<<"$(packaging/release.sh --version)"
  git tag v0.1.0-rc1
  is "the version of a candidate" "$(packaging/release.sh --version)" "0.1.0-rc1 0.1.0~rc1"
  dpkg --compare-versions "$before" lt 0.1.0 || fail "$before is no less than 0.1.0"
  dpkg --compare-versions 0.1.0~rc1 lt 0.1.0
  git tag v0.1.0
  git tag -d v0.1.0-rc1 >/dev/null
  is "the version" "$(packaging/release.sh --version)" "0.1.0 0.1.0"
  commit
  got=$(packaging/release.sh --version)
  [[ $got =~ ^0\.1\.0\+[0-9a-f]{12}\ 0\.1\.0\+git1\.[0-9a-f]{12}$ ]] || fail "behind a tag it is $got"
  echo >>packaging/release.sh
  got=$(packaging/release.sh --version 2>/dev/null)
  [[ $got == *.dirty\ *.dirty ]] || fail "with changes it is $got"
  rm -rf .git
  ! packaging/release.sh --version 2>"$work/err" || fail "it has a version without git"
  grep -q 'set RPCD_VERSION and SOURCE_DATE_EPOCH' "$work/err" || fail "it says $(<"$work/err")"
}

# Two builds of one commit in different folders are the same bytes, at the same time also. This machine's programs are made
# twice. The other's are made once: the script does nothing else for them, and they cost a core 10 s.
test_same_bytes() {
  local other=arm64 emulator=qemu-aarch64-static sums=$work/one/SHA256SUMS status=0
  if [[ $arch == arm64 ]]; then other=amd64 emulator=qemu-x86_64-static; fi
  mkdir "$work/elsewhere"
  git -C "$top" ls-files -z --cached --others --exclude-standard | tar -C "$top" --null -T - -c | tar -C "$work/elsewhere" -x
  release one 1.0.0 "$arch" "$other" &
  tree=$work/elsewhere release other 1.0.0 "$arch" || status=$?
  wait $! || status=$?
  is "the status of a release" $status 0
  grep "[_-]${arch}[./]" "$sums" | diff - "$work/other/SHA256SUMS" || fail "the checksums differ"
  (cd "$work/one" && sha256sum -c --quiet SHA256SUMS) || fail "the checksums are wrong"
  is "the number of checksums" "$(wc -l <"$sums")" 8
  diff -rq "$work/one" "$work/other" | grep -v -e SHA256SUMS -e "^Only in $work/one: .*[_-]$other" && fail "something differs"
  is "what the other machine's says" "$("$emulator" "$work/one/linux-$other/rpc" version)" "rpc 1.0.0"
  is "the other package's machine" "$(dpkg-deb -f "$work/one/rpcd_1.0.0_$other.deb" Architecture)" "$other"
  grep -aq "$work" "$work"/one/linux-*/rpc* && fail "a name of this machine's folders is in a program"
  return 0
}

# The version and the time of the commit are in the texts, and Python finds its package.
test_contents() {
  local got
  once one 1.0.0
  dpkg-deb -x "$work/one/rpcd_1.0.0_$arch.deb" "$work/unpacked"
  got=$(zcat "$work/unpacked/usr/share/man/man1/rpc.1.gz" | head -n 1)
  is "the head of rpc(1)" "$got" '.TH RPC 1 2023-11-14 "rpcd 1.0.0" "User Commands"'
  got=$(cd / && PYTHONPATH=$work/unpacked/usr/lib/python3/dist-packages python3 -c \
    'import importlib.metadata, rpcd.resident; print(importlib.metadata.version("rpcd"), rpcd.__file__)')
  is "what Python finds" "$got" "1.0.0 $work/unpacked/usr/lib/python3/dist-packages/rpcd/__init__.py"
  is "what each file's sum is" "$(cd "$work/unpacked" && dpkg-deb -I "$work/one/rpcd_1.0.0_$arch.deb" md5sums | md5sum -c --quiet 2>&1)" ""
}

# all_files lists what is there but for what any package changes, and what systemd keeps of a run.
all_files() {
  in_s find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path /debs -o -path /var/lib/dpkg \
    -o -path /var/log -o -path /var/cache -o -path /var/lib/systemd \) -prune -o -printf '%p %y\n' | grep -v -e '^/etc/[a-z]*-$' -e '^/etc/[a-z]*- f$' | sort
}
# all_else lists users, groups, the units that there are and that run, and processes of rpcd.
all_else() {
  in_s sh -c 'getent passwd | sort; getent group | sort; systemctl list-unit-files --plain --no-legend "rpcd*"; systemctl list-units --all --plain --no-legend "rpcd*"
    ls -d /run/rpc 2>/dev/null; find /var/lib/systemd -name "*rpcd*"; cat /proc/[0-9]*/comm 2>/dev/null | grep -x -e rpcd -e rpc || :'
}

install_deb() { # FOLDER
  in_s sh -c "DEBIAN_FRONTEND=noninteractive dpkg -i /debs/$1/rpcd_*_$arch.deb" >"$work/dpkg" 2>&1 || fail "dpkg -i: $(<"$work/dpkg")"
}

version_at() { in_s rpc ls -l "$1" | sed -n 's/.*, rpcd //p'; } # WORKER
serves() { [[ $(version_at "$1") == "$2" ]]; }                  # WORKER VERSION

# The package is installed, runs its units, and is upgraded while a call runs, which ends by itself. Calls that come
# meanwhile are served by the new daemon. Removed and purged nothing is left.
# fault: 202
test_debian_package() {
  local call later status=0 line
  once one 1.0.0
  once two 1.0.1
  mkdir "$work/empty" && build_image "$work/empty" --target systemd
  boot "$s" -v "$work:/debs:ro"
  in_s rm -f /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/docker-slim # here services start, and manual pages stay
  all_files >"$work/files.before"
  all_else >"$work/else.before"

  install_deb one
  is "the state" "$(sc is-active rpcd.socket rpcd.service | xargs)" "active active"
  is "at boot" "$(sc is-enabled rpcd.socket rpcd.service | xargs)" "enabled enabled"
  in_s ln -s /bin/sh /etc/rpcd/exports/
  is "who runs a call" "$(in_s rpc "$s" sh -c 'id -un' </dev/null)" rpcd
  is "the version" "$(version_at "$s")" 1.0.0
  in_s sh -c 'mkdir -p /etc/rpcd/hugin/exports && ln -s /bin/sh /etc/rpcd/hugin/exports/ && systemctl enable --now rpcd@hugin.socket' 2>/dev/null
  is "another worker" "$(in_s rpc hugin sh -c 'echo "$RPC_WORKER"' </dev/null)" hugin
  for line in man/man1/rpc.1.gz man/man8/rpcd.8.gz man/man5/rpc-exports.5.gz bash-completion/completions/rpc zsh/vendor-completions/_rpc \
    fish/vendor_completions.d/rpc.fish doc/rpcd/README.md ../lib/python3/dist-packages/rpcd/resident.py ../bin/rpc-rsh; do
    in_s test -s "/usr/share/$line" || fail "no $line"
  done
  in_s bash -c 'source /usr/share/bash-completion/completions/rpc && complete -p rpc' >/dev/null || fail "no completion"

  in_s sh -c 'echo RPCD_DRAIN=60 >/etc/rpcd/rpcd.conf && systemctl restart rpcd.service && mkfifo /tmp/go /tmp/out && chmod 666 /tmp/go'
  in_s rpc -n -C / "$s" sh -c 'echo started; read line </tmp/go; exit 3' >"$work/out" 2>"$work/err" </dev/null &
  call=$!
  within 60 grep -q started "$work/out" || fail "the call has not started: $(<"$work/err")"
  install_deb two
  draining() { [[ $(sc show --value -p StatusText rpcd.service) == draining* ]]; }
  within 60 draining || fail "the old daemon doesn't drain: $(sc show --value -p StatusText rpcd.service)"
  in_s rpc -n -C / "$s" sh -c 'echo later' >"$work/later" 2>&1 </dev/null &
  later=$!
  kill -0 $call || fail "the upgrade ended the call: $(<"$work/err")"
  in_s sh -c 'echo >/tmp/go'
  wait $call || status=$?
  is "the call's status" $status 3
  wait $later || fail "a call that came meanwhile failed: $(<"$work/later")"
  is "what it says" "$(<"$work/later")" later
  within 60 serves "$s" 1.0.1 || fail "after the upgrade it is $(version_at "$s")"
  within 60 serves hugin 1.0.1 || fail "after the upgrade hugin is $(version_at hugin)"
  is "the operator's settings" "$(in_s cat /etc/rpcd/rpcd.conf)" RPCD_DRAIN=60
  is "failed units" "$(sc list-units --failed --plain --no-legend 'rpcd*')" ""

  in_s rm /tmp/go /tmp/out
  in_s dpkg -r rpcd >"$work/dpkg" 2>&1 || fail "dpkg -r: $(<"$work/dpkg")"
  is "processes" "$(in_s sh -c 'cat /proc/[0-9]*/comm 2>/dev/null | grep -x rpcd || :')" ""
  in_s test -e /etc/rpcd/rpcd.conf -a -e /etc/rpcd/hugin/exports/sh || fail "a removal took the operator's settings"
  in_s dpkg -P rpcd >"$work/dpkg" 2>&1 || fail "dpkg -P: $(<"$work/dpkg")"
  all_files | diff "$work/files.before" - || fail "a purge leaves other files"
  all_else | diff "$work/else.before" - || fail "a purge leaves something"

  # A user that the operator has made is the operator's.
  in_s sh -c 'groupadd -g 1000 rpcd && useradd -u 1000 -g 1000 -d / -M rpcd'
  install_deb one
  is "the operator's user" "$(in_s id -u rpcd)" 1000
  in_s dpkg -P rpcd >"$work/dpkg" 2>&1 || fail "dpkg -P: $(<"$work/dpkg")"
  is "it after a purge" "$(in_s id -u rpcd)" 1000
}

# The image has the programs and nothing else. It runs as it is, and is a base for others.
test_image() {
  local got
  once one 1.0.0
  docker build -q -t "$project-scratch" -f "$top/packaging/Dockerfile" "$work/one/linux-$arch" >/dev/null
  is "its version" "$(docker run --rm --network none "$project-scratch" rpcd version)" "rpcd 1.0.0"
  docker create --name "$project-files" "$project-scratch" >/dev/null
  got=$(docker export "$project-files" | tar -t | grep -e '^usr/local/bin/.' -e '^usr/[^l]' | sort | xargs)
  is "its files" "$got" "usr/local/bin/rpc usr/local/bin/rpc-rsh usr/local/bin/rpcd"
  printf 'FROM debian:bookworm-slim\nCOPY --from=%s /usr/local/bin/ /usr/local/bin/\n' "$project-scratch" >"$work/Dockerfile.copy"
  mkdir -p "$work/nothing"
  docker build -q -t "$project-copy" -f "$work/Dockerfile.copy" "$work/nothing" >/dev/null
  is "a worker of it" "$(docker run --rm --network none "$project-copy" sh -c \
    'mkdir /tmp/ex && ln -s /bin/echo /tmp/ex/ && rpcd serve --listen /tmp/w.sock --exports /tmp/ex 2>/dev/null & rpc --wait 10s /tmp/w.sock echo hello')" hello
}
