#!/usr/bin/env bash
# fuzz.sh [SECONDS [JOBS [PATTERN]]]: runs the fuzzers of the module whose names match PATTERN (all), each for SECONDS
# (5), and JOBS (1) of them at a time. At the first finding it prints the fuzzer's output and stops.
#
# The input of a finding stays in testdata/fuzz/ of its package, where `go test` runs it from then on. Interesting
# inputs stay in Go's cache for the next run. The output is one line for each fuzzer, and their number at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-5} jobs=${2:-1} pattern=${3:-.}
[[ $seconds =~ ^[0-9]+$ && $jobs =~ ^[1-9][0-9]*$ ]] || {
  echo "fuzz.sh: wants seconds and jobs as numbers, not \"$seconds\" and \"$jobs\"" >&2
  exit 2
}
work=$(mktemp -d)
cache=$(go env GOCACHE)/fuzz
clean() {
  local pids
  mapfile -t pids < <(jobs -p)
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The file has lines "PACKAGE FUZZER". go test -list prints the fuzzers before the line of their package.
go test -list '^Fuzz' ./... >"$work/list" || { cat "$work/list" && exit 1; }
awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' "$work/list" |
  grep -E "$pattern" >"$work/fuzzers" || {
  echo "fuzz.sh: no fuzzer matches \"$pattern\"" >&2
  exit 2
}

# Each package gets one test binary. go test -fuzz would link it anew for each fuzzer.
while read -r package; do
  go test -c -fuzz . -o "$work/${package//\//_}" "$package"
done < <(cut -d' ' -f1 "$work/fuzzers" | sort -u)

fuzz() { # PACKAGE FUZZER
  local log=$work/$2.log status=0 figures
  cd "$(go list -f '{{.Dir}}' "$1")"
  # A fuzzer that hangs is ended by timeout, and its status makes it a finding, too.
  timeout -k 10 "$((seconds + 120))" nice -n 10 "$work/${1//\//_}" -test.run '^$' -test.fuzz "^$2\$" \
    -test.fuzztime "${seconds}s" -test.parallel 1 -test.fuzzcachedir "$cache/$1" >"$log" 2>&1 || status=$?
  # Up to Go 1.26 a fuzzer may fail just because its time is over (golang/go#75804). It writes no input then.
  if ((status)) && grep -qx ' *context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
    status=0
  fi
  if ((status)); then
    printf '\nFOUND by %s %s (status %s):\n' "$1" "$2" "$status"
    tail -n 100 "$log"
    return 1
  fi
  figures=$(sed -n 's/^fuzz: elapsed: .*, \(execs: [0-9]*\) .*, \(new interesting: .*\)$/\1, \2/p' "$log" | tail -n 1)
  echo "ok $1 $2: ${figures:-no time for more than its seeds}"
}

found=0 running=0 count=0
while ((found == 0)) && read -r package fuzzer; do
  if ((running == jobs)); then
    wait -n || found=1
    running=$((running - 1))
  fi
  ((found == 0)) || break
  (trap - EXIT && fuzz "$package" "$fuzzer") &
  running=$((running + 1)) count=$((count + 1))
done <"$work/fuzzers"
while ((running)); do
  wait -n || found=1
  running=$((running - 1))
done
((found == 0)) || { echo "fuzz.sh: a finding, after $count fuzzers" >&2 && exit 1; }
echo "$count fuzzers of $seconds s, no finding"
