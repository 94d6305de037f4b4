# cases.sh: functions that containers-test.sh and systemd-test.sh share. They source it.
#
# A case is a function test_NAME in a file of cases. The sourcing script has set $top (the repository), $work (a folder
# of its own) and -euo pipefail. It may define two functions:
#
#   skips NAME        succeeds, and prints why, if the case can't run on this machine
#   more_on_failure   prints more about a case that failed
#
# shellcheck shell=bash disable=SC2154 # top, work

fail() {
  echo "$*"
  exit 1
}

is() { # WHAT GOT WANTED
  [[ $2 == "$3" ]] || fail "$1 is \"$2\", not \"$3\""
}

within() { # SECONDS COMMAND...: waits until COMMAND succeeds; fails after SECONDS
  local limit=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < limit)) || return 1
    sleep 0.1
  done
}

skips() { return 1; }
more_on_failure() { :; }

me=${0##*/}

# choose FILE [NAME...]: sets $names to the cases to run: the named ones, or all of FILE in its order. With --list it
# prints all names and exits.
choose() {
  local all name
  all=$(sed -n 's/^test_\([a-z0-9_]*\)() {$/\1/p' "$1")
  shift
  if [[ ${1:-} == --list ]]; then
    echo "$all"
    exit
  fi
  mapfile -t names <<<"$all"
  (($# == 0)) || names=("$@")
  for name in "${names[@]}"; do
    grep -qx -- "$name" <<<"$all" || { echo "$me: no test \"$name\" (try --list)" >&2 && exit 2; }
  done
}

# need FOLDER: exits unless an engine answers and FOLDER has rpc and rpcd. It makes the base image if need be.
need() {
  local file
  timeout 20 docker info >/dev/null 2>&1 || { echo "$me: no container engine answers (try .ci/engine.sh)" >&2 && exit 1; }
  for file in rpc rpcd; do
    [[ -x $1/$file ]] || { echo "$me: $1/$file is not built (see README.md)" >&2 && exit 1; }
  done
  "$top/.ci/base-image.sh"
}

run() { # NAME
  local begin=$SECONDS why
  if why=$(skips "$1"); then
    echo "SKIPPED $1: $why"
    skipped=$((skipped + 1))
    return
  fi
  # In the background, since bash ignores set -e in the condition of an `if` and before `||`.
  (trap - EXIT && "test_$1") >"$work/log" 2>&1 &
  job=$!
  if wait "$job"; then
    echo "ok $1 ($((SECONDS - begin)) s)"
    passed=$((passed + 1))
  else
    echo "not ok $1: $(tail -n 1 "$work/log")"
    sed 's/^/    /' "$work/log" | tail -n 40
    more_on_failure
    failed=$((failed + 1))
  fi
}

# run_all: runs the chosen cases and prints how many passed and failed. It fails if one did.
run_all() {
  local name
  passed=0 failed=0 skipped=0
  for name in "${names[@]}"; do run "$name"; done
  ((skipped == 0)) || echo "$skipped SKIPPED"
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
