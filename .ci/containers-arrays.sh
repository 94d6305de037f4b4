# shellcheck shell=bash disable=SC2154
# containers-arrays.sh: cases of containers-test.sh, as containers-cases.sh. They run the pipelines whose records are
# NumPy arrays: camera.sh, detect.sh, fft.sh.

# Callers that come before the camera wait for it. Then each has a frame of its own, and so have the next callers.
test_camera() {
  local got caller
  dc run --rm -T --no-deps -e RPC_WAIT=120s builder-ml pipelines/camera.sh >"$work/camera.out" 2>"$work/camera.err" &
  caller=$!
  within 120 grep -q '10 callers wait' "$work/camera.err" || fail "no callers: $(tail -n 3 "$work/camera.err")"
  [[ -z $(dc ps -q camera 2>/dev/null) ]] || fail "the camera was there before its callers"
  dc up -d camera >/dev/null 2>&1 || fail "the camera doesn't start"
  wait $caller || fail "camera.sh ended with status $?: $(tail -n 3 "$work/camera.err")"
  is "what callers got that came first" "$(<"$work/camera.out")" "10 callers, 10 frames: 1 to 10, none twice"
  got=$(dc run --rm -T --no-deps builder-ml pipelines/camera.sh -n 25) || fail "camera.sh ended with status $?"
  is "what others get after a stop" "$got" "25 callers, 25 frames: 11 to 35, none twice"
}

# Two camera.sh at once share the camera: neither has a frame of the other's.
test_camera_twice() {
  local first second
  dc up -d camera >/dev/null 2>&1 || fail "the camera doesn't start"
  arrays_builder camera -- pipelines/camera.sh -n 20 /tmp/frames >"$work/first" 2>&1 &
  first=$!
  arrays_builder camera -- pipelines/camera.sh -n 20 /tmp/frames >"$work/second" 2>&1 &
  second=$!
  wait $first || fail "the first ended with status $?: $(tail -n 1 "$work/first")"
  wait $second || fail "the second ended with status $?: $(tail -n 1 "$work/second")"
  cat "$work/first" "$work/second"
}

test_detect() {
  local got
  got=$(dc run --rm -T builder-ml pipelines/detect.sh) || fail "detect.sh ended with status $?"
  is "what it says" "$got" "22 frames: the face found in 21, each time where it lies, and none in the empty one"
  both() { arrays_builder ml -v "${project}_camera-socket:/run/rpc/camera:ro" -- bash -c "$1"; }
  got=$(both 'rpc camera video0 read | pipelines/detect.py') || fail "detect.py ended with status $?"
  is "the faces in the camera's frame" "$got" -
  got=0
  both 'rpc camera video0 read | head -c 1000 | pipelines/detect.py' || got=$?
  is "the status for half a frame" "$got" 1
}

# A Python program of the host calls the worker through a folder of the host, as detect.sh says.
test_detect_from_the_host() {
  local got
  dc rm -sf ml >/dev/null 2>&1
  mkdir -p "$work/run/ml" && chmod 755 "$work" "$work/run" && chown "$uid:$gid" "$work/run/ml"
  export RPC_ML_SOCKETS=$work/run/ml
  dc up -d ml >/dev/null 2>&1 || fail "ml doesn't start"
  docker run --rm --network none rpc-builder-arrays cat /usr/share/pixmaps/portrait.png >"$work/portrait.png"
  got=$(cd / && PATH=$work/bin:$PATH RPC_DIR=$work/run PORTRAIT=$work/portrait.png \
    setpriv --reuid "$uid" --regid "$gid" --clear-groups "$work/pipelines/detect.sh") || fail "detect.sh ended with status $?"
  dc rm -sf ml >/dev/null 2>&1
  is "what it says on the host" "$got" "22 frames: the face found in 21, each time where it lies, and none in the empty one"
}

test_fft() {
  local got
  got=$(dc run --rm -T builder-fft pipelines/fft.sh) || fail "fft.sh ended with status $?"
  echo "$got"
  is "its first line" "$(head -n 1 <<<"$got")" "200 arrays of 256x256: each transform is right, and in its place"
  [[ $(tail -n 1 <<<"$got") == "4 replicas, which did "* ]] || fail "not by four: $got"
}

test_fft_with_compose_v2() {
  local got
  compose=("$("$top/.ci/compose-v2.sh")") project=${project}v2
  echo "${compose[0]}"
  got=$(dc run --rm -T builder-fft pipelines/fft.sh) || fail "fft.sh ended with status $?"
  dc down -v -t 1 >/dev/null 2>&1
  [[ $(tail -n 1 <<<"$got") == "4 replicas, which did "* ]] || fail "not by four: $got"
}

# Of four replicas one loses its worker process in mid-run, and one is lost as a whole, each with an array in hand. No
# array is lost, and none runs twice whose status came. With a file log-args rpcd logs each call, and lends no connection.
# fault: 147
test_fft_worker_killed() {
  local ends
  : >"$work/volumes/fft/exports/fft2d/log-args"
  kill_of_four
  rm "$work/volumes/fft/exports/fft2d/log-args"
  # What ended with a status ended once, and two arrays have begun twice.
  ends=$(grep -c ' end: .* procedure=fft2d status=0' "$work/fft.log")
  is "how many calls ended with status 0" "$ends" 200
  is "how many calls began" "$(grep -c ' start: .* procedure=fft2d' "$work/fft.log")" 202
}

# The same where workers serve lent connections by themselves.
# fault: 147
test_fft_worker_killed_with_a_loan() {
  kill_of_four
  grep -q ' served on a lent connection: .* procedure=fft2d' "$work/fft.log" || fail "nothing was lent"
}

# kill_of_four runs fft.sh, and kills a worker process and later a replica. It checks the result, and leaves rpcd's lines
# in $work/fft.log. An array that is lost twice fails, as it should. So the second kill comes when the array that was lost
# first is surely done: of the arrays behind it rpc map begins at most 16 before that (4 for each of the slots).
kill_of_four() {
  local replicas log=$work/log-of-fft/joblog container run exports=$work/volumes/fft/exports
  rm -rf "${log%/*}"
  dc rm -sf fft >/dev/null 2>&1                                 # so that their logs tell of this run alone
  [[ -e $work/fft2d ]] || cp "$exports/fft2d/run" "$work/fft2d" # a case before this one may have failed
  hold "$work/fft2d" >"$exports/fft2d/run"
  touch "$exports/.hold"
  dc up -d fft >/dev/null 2>&1 || fail "fft doesn't start"
  mapfile -t replicas < <(dc ps -q fft)
  is "the number of replicas" ${#replicas[@]} 4
  within 60 all_serve "${replicas[@]}" || fail "not all replicas serve"
  mkdir "${log%/*}" && chown "$uid:$gid" "${log%/*}"
  arrays_builder fft -v "${log%/*}:/log" -- pipelines/fft.sh -n 200 --size 512 --joblog /log/joblog >"$work/fft.out" 2>&1 &
  run=$!

  for container in "${replicas[@]}"; do
    within 60 holds "$container" 1 || fail "a replica has no array in hand: $(tail -n 3 "$work/fft.out")"
  done
  docker exec "${replicas[0]}" sh -c "$kill_worker" || fail "the worker process isn't there"
  touch "$exports/.hold.${replicas[1]:0:12}"
  rm "$exports/.hold"
  within 60 holds "${replicas[1]}" 2 || fail "the replica doesn't go on: $(tail -n 3 "$work/fft.out")"
  docker kill -s KILL "${replicas[1]}" >/dev/null
  rm "$exports"/.hold.*

  wait $run || fail "fft.sh ended with status $?: $(tail -n 5 "$work/fft.out")"
  cp "$work/fft2d" "$exports/fft2d/run"
  cat "$work/fft.out"
  grep -qx '200 arrays of 512x512: each transform is right, and in its place' "$work/fft.out" || fail "no such line"
  is "the arrays in the job log that ended with status 0" "$(awk 'NR > 1 && $7 == 0 && $8 == 0 { print $1 }' "$log" | sort -u | wc -l)" 200
  is "the lines of the job log" "$(wc -l <"$log")" 201
  for container in "${replicas[@]}"; do docker logs "$container" 2>&1; done >"$work/fft.log"
}

# hold prints a worker's program, changed: with the third array in hand it waits while there is a file .hold in the exports
# directory, with the 20th while there is one .hold.HOSTNAME, and says so. So a replica surely has an array in hand when
# it's killed, and the run isn't over.
hold() { # FILE
  awk '{ print } /^def fft2d/ {
    print "    global calls; calls += 1"
    print "    file = os.path.dirname(__file__) + {3: \"/../.hold\", 20: \"/../.hold.\" + os.uname().nodename}.get(calls, \"/none\")"
    print "    if os.path.exists(file): print(\"holds an array\", file=sys.stderr, flush=True)"
    print "    while os.path.exists(file): time.sleep(0.01)"
  } /^import sys/ { print "import os, time"; print "calls = 0" }' "$1"
}
holds() { (($(docker logs "$1" 2>&1 | grep -c 'holds an array') >= $2)); } # CONTAINER TIMES

# kill_worker is for a replica's shell. The brackets keep it from finding that shell.
# shellcheck disable=SC2016 # the replica's variables
kill_worker='for p in /proc/[0-9]*; do case $(tr "\0" " " <$p/cmdline) in */fft2d/[r]un" "*) kill -KILL ${p#/proc/} && exit ;; esac; done; exit 1'
# shellcheck disable=SC2016 # the replicas' variable
all_serve() { # CONTAINER...
  local container
  for container; do docker exec "$container" sh -c 'rpc ping /run/rpc/fft/$HOSTNAME.sock' >/dev/null 2>&1 || return; done
}

# arrays_builder WORKER [OPTION...] -- COMMAND...: a builder with NumPy that can call the worker. It is a second quicker
# than that of compose.
arrays_builder() {
  local worker=$1 options=()
  shift
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  timeout -k 10 300 docker run --rm -i --name "$project-b$BASHPID" --network none --read-only --cap-drop ALL --user "$uid:$gid" --tmpfs /tmp \
    -v "${project}_$worker-socket:/run/rpc/$worker:ro" -v "$work/pipelines:/work/pipelines:ro" -w /work \
    "${options[@]}" rpc-builder-arrays "$@"
}
