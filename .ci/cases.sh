# cases.sh: what the tests in containers share, for scripts that source it (containers-test.sh, systemd-test.sh).
# A case is a function test_NAME in a file of them. The sourcing script has set $top (the repository), $work (a folder
# of its own) and -euo pipefail; it may define skips (NAME: prints why, and succeeds, when the case can't be shown
# here) and more_on_failure.
# shellcheck shell=bash disable=SC2154 # top, work

fail() {
  echo "$*"
  exit 1
}

is() { # WHAT GOT WANTED
  [[ $2 == "$3" ]] || fail "$1 is \"$2\", not \"$3\""
}

within() { # SECONDS COMMAND...: until it is true
  local limit=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < limit)) || return 1
    sleep 0.1
  done
}

skips() { return 1; }
more_on_failure() { :; }

me=${0##*/}

# choose FILE ARG...: the cases to run, in $names: all of the file in its order, or the named ones; --list names them.
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

# need FOLDER: an engine that answers, the base image, and rpc and rpcd in the folder.
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
  # In the background, since set -e is off in what an `if` or `||` judges.
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

# run_all: the chosen cases, and their sum. Its status says whether all passed.
run_all() {
  local name
  passed=0 failed=0 skipped=0
  for name in "${names[@]}"; do run "$name"; done
  ((skipped == 0)) || echo "$skipped SKIPPED"
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
