#!/usr/bin/env bash
# examples.sh: builds rpc and rpcd, then runs every session of README.md and compares what it prints.
#
#   ./examples.sh                workers are local processes
#   ./examples.sh --containers   the picture pipeline in containers (docker with compose)
#   ./examples.sh --build        only build
#
# In README.md a block ```console is a session. "$ " begins a command, and the lines below are its output. "..." stands
# for any rest of a line. A command that ends in "&" runs until the session's end. Exit status: 0, or 1 if an output
# differs.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD

say() { printf '\n== %s\n' "$*"; }

build() {
  say "build bin/rpc and bin/rpcd"
  .ci/build.sh bin
  ls -l bin/rpc bin/rpcd
}

# end_jobs ends the processes that a session started in the background.
end_jobs() {
  local pids
  pids=$(jobs -p)
  # shellcheck disable=SC2086 # pids, which are words without blanks
  [ -z "$pids" ] || kill $pids 2>/dev/null || true
  wait
}

differs() { # COMMAND PRINTED EXPECTED
  local pattern
  pattern=$(sed 's/[^^]/[&]/g; s/\^/\\^/g; s/\[\.\]\[\.\]\[\.\]$/.*/' <<<"$3")
  [ "$(wc -l <<<"$2")" = "$(wc -l <<<"$3")" ] || return 0
  paste -d '\n' <(cat <<<"$2") <(cat <<<"$pattern") | while IFS= read -r line && IFS= read -r want; do
    grep -qx -e "$want" <<<"$line" || exit 1
  done && return 1
  return 0
}

# session runs one session, from the block on stdin. It has a folder and a shell of its own.
session() (
  dir=$(mktemp -d)
  trap 'end_jobs; rm -rf "$dir"' EXIT
  cd "$dir"
  failed=0
  mapfile -t lines
  i=0
  while ((i < ${#lines[@]})); do
    command=${lines[i]#\$ }
    expected=()
    while ((++i < ${#lines[@]})) && [[ ${lines[i]} != '$ '* ]]; do expected+=("${lines[i]}"); done
    printf '$ %s\n' "$command"
    if [[ $command == *'&' ]]; then
      eval "${command%&} >>background.log 2>&1 </dev/null &"
      continue
    fi
    eval "$command" >"$dir.out" 2>&1 </dev/null || true
    cat "$dir.out"
    printed=$(cat "$dir.out")
    rm "$dir.out"
    if differs "$command" "$printed" "$(printf '%s\n' "${expected[@]}")"; then
      printf 'examples.sh: README.md says:\n' >&2
      printf '  %s\n' "${expected[@]}" >&2
      failed=1
    fi
  done
  exit "$failed"
)

# sessions runs every session of README.md.
sessions() {
  local block='' needs='' inside='' failed=0 n=0 line
  while IFS= read -r line <&3; do
    case $inside$line in
    '```console'*)
      inside=y block='' needs=${line#'```console'} needs=${needs#*needs=}
      ;;
    'y```')
      inside='' n=$((n + 1))
      say "README.md, session $n"
      if [ -n "$needs" ] && ! command -v "$needs" >/dev/null; then
        echo "(left out: it needs $needs: apt-get install $needs)"
      else
        session <<<"${block%$'\n'}" || failed=1
      fi
      ;;
    y*) block+=$line$'\n' ;;
    esac
  done 3<README.md
  ((n > 0 && failed == 0))
}

# pictures runs the picture pipeline with a worker that is a local process.
pictures() {
  say "the picture pipeline, here"
  local tool missing=()
  for tool in hugin_executor enblend identify; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  if ((${#missing[@]})); then
    echo "(left out: it needs ${missing[*]}: apt-get install hugin-tools enblend imagemagick, or run ./examples.sh --containers)"
    return 0
  fi
  (
    dir=$(mktemp -d)
    trap 'end_jobs; rm -rf "$dir"' EXIT
    cp -R volumes/images/in "$dir/in"
    cp -R volumes/hugin/exports "$dir/exports"
    mkdir "$dir/hugin"
    export RPC_DIR=$dir RPC_WAIT=5s
    OMP_NUM_THREADS=1 rpcd serve --listen "$dir/hugin/" --exports "$dir/exports" 2>"$dir/rpcd.log" &
    pipelines/data_prep.sh "$dir/in" "$dir/out"
    identify "$dir"/out/*
  )
}

containers() {
  say "the images and the worker"
  .ci/engine.sh
  .ci/base-image.sh
  if docker compose version >/dev/null 2>&1; then compose() { docker compose "$@"; }; else compose() { docker-compose "$@"; }; fi
  compose build
  trap 'compose down -v -t 1' EXIT
  say "what is there"
  compose run --rm -T builder rpc ls -l
  say "the picture pipeline, in containers"
  compose run --rm -T builder pipelines/data_prep.sh images/in images/out
  ls -l volumes/images/out
}

build
PATH=$root/bin:$PATH
case ${1-} in
'')
  sessions
  pictures
  ;;
--containers) containers ;;
--build) exit 0 ;;
*)
  echo "examples.sh: unknown option \"$1\" (--containers, --build, or nothing)" >&2
  exit 2
  ;;
esac
say "all well"
