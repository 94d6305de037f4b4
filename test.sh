#!/usr/bin/env bash
# test.sh: installs or builds the tools that a bare Debian machine lacks, and runs every test. A missing tool makes a
# test fail, and no test is skipped, with one exception. `containers real_recording` needs a recording that isn't in
# the repository. It says SKIPPED unless BILDERSKRIPT (see .ci/containers-test.sh) names the recording's folder.
#
#   ./test.sh            everything (each step says how long it took)
#   ./test.sh STEP...    only these, one after the other: lint race fuzz python soak images go examples containers bench
#
# Without a STEP, images and go each run beside the five before them, since they mostly wait: for the network, and for graces to
# end. There the output of a step is printed as a whole, at its end. The last line counts the steps that passed and failed.
# Before it each that failed is named, with what its tests said of it, so that the output's end is enough to know what is
# wrong. Exit status: 0 if all passed, else 1.
set -euo pipefail
cd "$(dirname "$0")"
export RPCD_TEST_ALL=1 # a missing tool fails a test instead of skipping it
# Debian's python3, where a version manager's stands in front, which takes 0.2 s to start
PATH=/usr/sbin:/usr/bin:$PATH

packages=(ca-certificates gcc libc6-dev socat tmux less vim-tiny python3 python3-numpy python3-pip mypy jq make perl-base shellcheck shfmt zsh fish man-db mandoc hugin-tools enblend imagemagick python3-opencv opencv-data python3-h5py procps strace util-linux busybox-static openssh-client openssh-sftp-server sshfs tar qemu-user-static rsync git parallel unison pdsh borgbackup)

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
}

# The engine, and what examples and containers use: every image, whose slow layers come by the network, and compose v2,
# which is built where it isn't installed.
images() {
  local compose=(docker-compose) empty
  .ci/engine.sh
  .ci/base-image.sh
  if docker compose version >/dev/null 2>&1; then compose=(docker compose); fi
  "${compose[@]}" build
  empty=$(mktemp -d)
  docker build -q -t rpc-systemd-bare --target systemd -f .ci/systemd.Dockerfile "$empty"
  rmdir "$empty"
  nice -n 10 .ci/compose-v2.sh
}

lint() {
  local bad
  renice -n 5 -p $$ >/dev/null # it only computes, and the tests beside it have to meet limits of time
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

# What can be seen of a call is tested a second time without the entry (cmd/rpc/entry). With RPC_PASS=none the entry leaves
# every call to the ordinary program before it sends anything, so the table's rows over "none" would only be repeated. Over
# a bridge it sends the call and leaves the rest to the ordinary program: of those rows the ones about bridges suffice,
# since the other tests here take all ways.
go_tests() {
  go test -timeout 30m -parallel 8 ./... # many tests wait
  RPCD_TEST_ENTRY=off go test -timeout 20m -parallel 8 ./cmd/rpc \
    -run 'TestTable/^(passed|users)$|TestTable/^bridge$/bridge|TestScripts|TestTerminal|TestSignalTable|TestCallsUnderFire'
}

# In these packages goroutines share memory. The other tests run separate processes, which the race detector can't see.
# Most of this step compiles.
race() { nice -n 5 go test -race -short -timeout 15m ./rpcd/... ./client/...; }

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
  .ci/package-test.sh
  .ci/systemd-test.sh
}

# One minute of faults. For a longer run: go run ./bench/soak -for 30m
# fault: 90
soak() { go run ./bench/soak -for 1m; }

bench() {
  bench/peers.sh
  go run ./bench -quick
}

work=$(mktemp -d)

# step NAME: runs a step in a shell of its own, since bash ignores set -e in a function that a condition calls.
step() {
  local function=$1 begin=$SECONDS status=0
  [ "$1" != go ] || function=go_tests
  "$BASH" -euo pipefail -c "$(declare -f "$function"); $function" </dev/null || status=$?
  echo "$1: status $status, $((SECONDS - begin)) s"
  ((status)) || touch "$work/$1.passed"
}

# lane STEP...: runs steps one after the other. Each one's output is printed at its end, and not between another's lines.
lane() {
  local name
  for name; do
    step "$name" >"$work/$name.out" 2>&1
    flock "$work" cat <(say "$name") "$work/$name.out"
    mv "$work/$name.out" "$work/$name.log"
  done
}

# in_turn STEP...: runs steps one after the other. Their output is printed as it comes.
in_turn() {
  local name
  for name; do say "$name" && step "$name" 2>&1 | tee "$work/$name.log"; done
}

# failures STEP: what STEP's tests said of a failure (Go's, Python's and ours), with the lines behind it, at most 60.
failures() {
  grep -aE -A 5 '^ *--- FAIL|^panic: |DATA RACE|^(FAIL|ERROR): |^not ok' "$work/$1.log" | grep -av '^--$' | head -n 60
}

# side_by_side LANE...: runs lanes at the same time. A LANE is the names of its steps. With set -m each gets a process
# group, by which it can be ended, and doesn't ignore SIGINT.
side_by_side() {
  local names
  set -m
  for names; do
    # shellcheck disable=SC2086 # names of steps
    lane $names </dev/null &
    lanes+=($!)
  done
  set +m
  wait
  lanes=()
}

# When interrupted, this ends the lanes, and prints what their steps have said so far.
clean() {
  local pid file
  for pid in "${lanes[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  for file in "$work"/*.out; do
    [ -e "$file" ] && say "${file##*/}, not ended" && cat "$file"
  done
  rm -rf "$work"
}
lanes=()
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for name; do
  case $name in
  lint | race | fuzz | python | soak | images | go | examples | containers | bench) ;;
  *)
    echo "test.sh: no step \"$name\" (lint race fuzz python soak images go examples containers bench)" >&2
    exit 2
    ;;
  esac
done
say prepare
prepare
./examples.sh --build
if (($#)); then
  .ci/engine.sh
  .ci/base-image.sh
  in_turn "$@"
else
  set -- lint race fuzz python soak images go examples containers bench
  side_by_side "lint race fuzz python soak" images go
  in_turn examples containers bench # bench compares times
fi
say "done"
failed=0
for name; do
  [ -e "$work/$name.passed" ] && continue
  echo "failed: $name"
  failures "$name" | sed 's/^/  /' || true
  failed=$((failed + 1))
done
echo "$(($# - failed)) passed, $failed failed"
((failed == 0))
