# shellcheck shell=bash disable=SC2154
# containers-readme.sh: cases of containers-test.sh, as containers-cases.sh. They run what README.md says in its blocks
# dockerfile, yaml and sh.

# block KIND WORD: the block of README.md that begins with ```KIND, and in which WORD stands.
block() {
  awk -v fence='```' -v kind="$1" -v word="$2" '
    $0 == fence kind { inside = 1; text = ""; next }
    inside && $0 == fence { inside = 0; if (index(text, word)) printf "%s", text }
    inside { text = text $0 "\n" }' "$top/README.md"
}

# The Dockerfile and the compose file of "Your own worker" work as they stand there.
test_readme_worker() {
  local folder=$work/own got
  mkdir -p "$folder/data" "$folder/bin"
  cp "$top/bin/rpc" "$top/bin/rpcd" "$folder/bin/"
  block dockerfile rpcd >"$folder/Dockerfile"
  block yaml tools-socket >"$folder/docker-compose.yml"
  own() { timeout -k 10 600 "${compose[@]}" -p "$project-own" --project-directory "$folder" -f "$folder/docker-compose.yml" "$@" </dev/null; }
  own build >/dev/null || fail "the image doesn't build"
  got=$(own run --rm -T builder) || fail "the builder ended with status $?: $(own logs tools | tail -n 3)"
  is "what the builder prints" "$got" 3
  own up -d --scale tools=3 tools >/dev/null 2>&1 || fail "no three replicas"
  # shellcheck disable=SC2317 # within calls it
  replicas() { [[ $(own run --rm -T builder sh -c 'ls /run/rpc/tools/*.sock | wc -l') == 3 ]]; }
  within 60 replicas || fail "not three sockets"
  is "what three replicas answer" "$(own run --rm -T builder)" 3
  own down -v -t 1 >/dev/null 2>&1
}

# The recipe for the host's shell works as it stands there, for a user who isn't root.
test_readme_host_shell() {
  local folder=$work/host image=$project-own_tools got
  mkdir -p "$folder/bin" && cp "$top/bin/rpc" "$folder/bin/"
  echo '[1]' >"$folder/data.json"
  chown -R "$uid:$gid" "$folder"
  chmod 755 "$work"
  block dockerfile rpcd >"$work/own.Dockerfile"
  docker build -q -t "$image" -f "$work/own.Dockerfile" "$top" >/dev/null || fail "the image doesn't build"
  got=$(cd "$folder" && block sh RPC_DIR=./run | sed "s/IMAGE/$image/; s/docker run/& --name $project-host/" |
    PATH=$folder/bin:$PATH setpriv --reuid "$uid" --regid "$gid" --groups "$(stat -c %g /var/run/docker.sock)" bash -eu | tail -n 3) || fail "the recipe ended with status $?"
  docker rm -f "$project-host" >/dev/null 2>&1
  docker rmi "$image" >/dev/null 2>&1
  is "what jq prints" "$(tr -d ' \n' <<<"$got")" '[1]'
}
