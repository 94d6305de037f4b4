#!/usr/bin/env bash
# test.sh: installs or builds the tools that a bare Debian machine lacks, and runs every test. A missing tool makes a
# test fail, and no test is skipped, with one exception. `containers real_recording` needs a recording that isn't in
# the repository. It says SKIPPED unless BILDERSKRIPT (see .ci/containers-test.sh) names the recording's folder.
#
#   ./test.sh            everything (30 minutes cold, 10 warm)
#   ./test.sh STEP...    only these: lint go race fuzz python examples containers soak bench
#
# The last line counts the steps that passed and failed. Exit status: 0 if all passed, else 1.
set -euo pipefail
cd "$(dirname "$0")"
export RPCD_TEST_ALL=1 # a missing tool fails a test instead of skipping it
# Debian's python3, where a version manager's stands in front, which takes 0.2 s to start
PATH=/usr/sbin:/usr/bin:$PATH

packages=(ca-certificates gcc libc6-dev socat tmux python3 python3-numpy python3-pip mypy jq perl-base shellcheck shfmt hugin-tools enblend imagemagick procps strace util-linux busybox-static openssh-client openssh-sftp-server sshfs tar qemu-user-static)

say() { printf '\n== %s (%s)\n' "$*" "$(date +%T)"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

prepare() {
  command -v go >/dev/null || {
    echo "test.sh: needs Go 1.26 or newer (https://go.dev/dl/)" >&2
    exit 1
  }
  local missing=() p
  for p in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || missing+=("$p")
  done
  if ((${#missing[@]})); then
    say "install ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
  .ci/engine.sh
  .ci/base-image.sh
}

lint() {
  local bad
  bad=$(git ls-files '*.go' | xargs gofmt -l)
  if [ -n "$bad" ]; then
    echo "gofmt would change: $bad" >&2
    return 1
  fi
  go vet ./...
  GOARCH=386 go vet ./...
  GOARCH=arm go vet ./...
  git ls-files '*.sh' .ci/run | xargs shellcheck -x
  git ls-files '*.sh' .ci/run | xargs shfmt -i 2 -d
  go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
  .ci/vulnerabilities.sh
}

# What can be seen of a call is tested a second time without the entry (cmd/rpc/entry).
go_tests() {
  go test -timeout 30m -parallel 8 ./... # many tests wait
  RPCD_TEST_ENTRY=off go test -timeout 20m -parallel 8 ./cmd/rpc -run 'TestTable/passed|TestTerminal|TestSignalTable|TestCallsUnderFire'
}

# In these packages goroutines share memory. The other tests run separate processes, which the race detector can't see.
race() { go test -race -short -timeout 15m ./rpcd/... ./client/...; }

# Runs every fuzzer for one second, two at a time, to see that they work. To look for faults: .ci/fuzz.sh 600
fuzz() { .ci/fuzz.sh 1 2; }

# The Python package, which is written from PROTOCOL.md alone.
python() { RPCD_TEST_BIN=$PWD/bin client/python/test.sh; }

examples() {
  .ci/examples-test.sh
  ./examples.sh
  ./examples.sh --containers
}

containers() {
  .ci/containers-test.sh
  .ci/systemd-test.sh
}

# One minute of faults. For a longer run: go run ./bench/soak -for 30m
# fault: 90
soak() { go run ./bench/soak -for 1m; }

bench() {
  bench/peers.sh
  go run ./bench -quick
}

passed=0 failed=()
run() { # STEP FUNCTION
  say "$1"
  # bash ignores set -e in a function that a condition calls. So each step runs in a shell of its own.
  if ("$BASH" -euo pipefail -c "$(declare -f "$2"); $2"); then
    passed=$((passed + 1))
  else
    failed+=("$1")
  fi
}

say prepare
prepare
./examples.sh --build
(($#)) || set -- lint go race fuzz python examples containers soak bench
for step; do
  case $step in
  lint | race | fuzz | python | examples | containers | soak | bench) run "$step" "$step" ;;
  go) run go go_tests ;;
  *)
    echo "test.sh: no step \"$step\" (lint go race fuzz python examples containers soak bench)" >&2
    exit 2
    ;;
  esac
done
say "done"
((${#failed[@]} == 0)) || printf 'failed: %s\n' "${failed[@]}"
echo "$passed passed, ${#failed[@]} failed"
((${#failed[@]} == 0))
