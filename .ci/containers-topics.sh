# shellcheck shell=bash disable=SC2154,SC2034 # containers-test.sh has the variables
# containers-topics.sh: cases of containers-test.sh, as containers-cases.sh. They run the pipelines of topics:
# broadcast.sh, share.sh.

test_broadcast() {
  local got
  got=$(dc run --rm -T builder-topics pipelines/broadcast.sh) || fail "broadcast.sh ended with status $?"
  is "its last line" "$(tail -n 1 <<<"$got")" "50 frames in the file, each as it was sent"
  [[ $got == *"transformed 50 frames"* ]] || fail "no transforms: $got"
}

# Each part is a container of its own, and the worker comes after the publisher and one subscriber.
test_broadcast_in_any_order() {
  local name out=$work/broadcast order=(send store worker transform) pids=()
  dc rm -sf cam >/dev/null 2>&1
  dc up --no-start cam >/dev/null 2>&1 || fail "cam can't be made" # and so its volume
  mkdir "$out" && chown "$uid:$gid" "$out"
  for name in "${order[@]}"; do
    if [[ $name == worker ]]; then
      within 60 is_up "$project-b-topics-send" || fail "the publisher isn't up"
      within 60 is_up "$project-b-topics-store" || fail "the subscriber isn't up"
      dc up -d cam >/dev/null 2>&1 || fail "cam doesn't start"
      continue
    fi
    topics_builder "$name" -v "$out:/out" -- pipelines/broadcast.sh -n 30 --only "$name" /out/frames.h5 >"$out/$name" 2>&1 &
    pids+=($!)
  done
  for name in "${pids[@]}"; do wait "$name" || fail "a part ended with status $?: $(tail -n 2 "$out"/{send,store,transform})"; done
  is "what the publisher says" "$(tail -n 1 "$out/send")" "sent 30 frames"
  is "what the one says that transforms" "$(tail -n 1 "$out/transform")" "transformed 30 frames, each peak is where it belongs"
  is "what the one says that stores" "$(tail -n 1 "$out/store")" "30 frames in the file, each as it was sent"
}

# A TERM in the middle stops all three parts. The file is whole, and has the first frames.
test_broadcast_stopped() {
  local run status=0 out=$work/stopped count
  dc up -d cam >/dev/null 2>&1 || fail "cam doesn't start"
  mkdir "$out" && chown "$uid:$gid" "$out"
  topics_builder all -v "$out:/out" -- pipelines/broadcast.sh -n 100000 /out/frames.h5 >"$out/log" 2>&1 &
  run=$!
  within 60 is_larger "$out/frames.h5" 20000000 || fail "no frames are stored: $(tail -n 3 "$out/log")"
  docker kill -s TERM "$project-b-topics-all" >/dev/null
  wait $run || status=$?
  is "the status" "$status" 143
  count=$(topics_builder count -v "$out:/out" -- python3 -c 'import h5py; print(len(h5py.File("/out/frames.h5")["frames"]))')
  ((count > 10)) || fail "the file has $count frames"
  topics_builder check -v "$out:/out" -- pipelines/broadcast.py check "$count" /out/frames.h5
}

test_broadcast_with_compose_v2() {
  local got
  compose=("$("$top/.ci/compose-v2.sh")") project=${project}v2
  got=$(dc run --rm -T builder-topics pipelines/broadcast.sh) || fail "broadcast.sh ended with status $?"
  dc down -v -t 1 >/dev/null 2>&1
  is "its last line" "$(tail -n 1 <<<"$got")" "50 frames in the file, each as it was sent"
}

test_share() {
  local got
  got=$(dc run --rm -T builder-topics pipelines/share.sh) || fail "share.sh ended with status $?"
  echo "$got"
  is "how many readers saw the last frame" "$(grep -c '^looked .* at frame 400: .* none torn$' <<<"$got")" 3
  [[ $(tail -n 1 <<<"$got") == "after the writer: frame 400, "*": whole" ]] || fail "not the last frame: $got"
}

# Writer and readers are containers that share nothing but the worker's socket. A reader is killed meanwhile, and one is
# stopped for a while: the writer goes on.
test_share_between_containers() {
  local pids=() n name out=$work/share
  dc up -d cam >/dev/null 2>&1 || fail "cam doesn't start"
  mkdir "$out"
  for n in 1 2 3; do
    topics_builder "read$n" -- pipelines/share.sh --only read >"$out/read$n" 2>&1 &
    pids[n]=$!
  done
  topics_builder write -- pipelines/share.sh -n 1500 --only write >"$out/write" 2>&1 &
  pids[0]=$!
  for n in 1 2 3; do within 60 is_up "$project-b-topics-read$n" || fail "reader $n isn't up"; done
  within 60 is_up "$project-b-topics-write" || fail "the writer isn't up"
  for name in write read1; do
    n=$(docker inspect -f '{{.HostConfig.IpcMode}}' "$project-b-topics-$name")
    [[ $n == private || $n == none ]] || fail "$name has the IPC of $n"
  done
  got=$(topics_builder look -- pipelines/share.sh --only look) || fail "no look in between: status $?"
  [[ $got =~ ^frame\ [0-9]+,\ [0-9x]+:\ whole$ ]] || fail "a look in between says: $got"
  docker kill -s KILL "$project-b-topics-read3" >/dev/null
  docker pause "$project-b-topics-read2" >/dev/null
  wait "${pids[0]}" || fail "the writer ended with status $?: $(tail -n 2 "$out/write")"
  docker unpause "$project-b-topics-read2" >/dev/null
  for n in 1 2; do
    wait "${pids[n]}" || fail "reader $n ended with status $?: $(tail -n 2 "$out/read$n")"
    [[ $(tail -n 1 "$out/read$n") == "looked "*" at frame 1500: "*" none torn" ]] || fail "reader $n says $(tail -n 1 "$out/read$n")"
  done
  wait "${pids[3]}" && fail "the killed reader ended well"
  got=$(topics_builder look -- pipelines/share.sh --only look) || fail "no look afterwards: status $?"
  [[ $got == "frame 1500, "* ]] || fail "a look afterwards says: $got"
}

is_up() { [[ $(docker inspect -f '{{.State.Running}}' "$1" 2>/dev/null) == true ]]; } # CONTAINER
is_larger() { [[ -e $1 ]] && (($(stat -c %s "$1") > $2)); }                           # FILE BYTES

# topics_builder NAME [OPTION...] -- COMMAND...: a builder that reaches the worker cam. It is a second quicker than that
# of compose.
topics_builder() {
  local name=$1 options=()
  shift
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  timeout -k 10 300 docker run --rm -i --name "$project-b-topics-$name" --network none --read-only --cap-drop ALL --user "$uid:$gid" --tmpfs /tmp \
    -v "${project}_cam-socket:/run/rpc/cam:ro" -v "$work/pipelines:/work/pipelines:ro" -w /work "${options[@]}" rpc-builder-topics "$@" </dev/null
}
