#!/usr/bin/env bash
# containers-test.sh [NAME...]: runs the tests in real containers: all, or the named ones. --list prints their names.
#
# Needs an engine and a docker-compose (.ci/engine.sh), the base image (.ci/base-image.sh), bin/rpc and bin/rpcd.
# The tests use a copy of the tree, and a compose project with a name of its own. Every way out of the script removes
# both. Only the images of docker-compose.yml stay. The output is `ok NAME (SECONDS)`, or `not ok NAME: why` and the
# output of the test.
#
# BILDERSKRIPT: the folder of the real recording (../shared/data/bilderskript). COMPOSE: another docker-compose.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
recording=${BILDERSKRIPT:-$top/../shared/data/bilderskript}
project=rpcdtest$$
work=$(mktemp -d)
if ((EUID)); then export RPC_UID=${RPC_UID:-$EUID} RPC_GID=${RPC_GID:-$(id -g)}; fi
uid=${RPC_UID:-1000} gid=${RPC_GID:-1000}
compose=("${COMPOSE:-docker-compose}")
if [[ -z ${COMPOSE:-} ]] && docker compose version >/dev/null 2>&1; then compose=(docker compose); fi

# shellcheck source=.ci/cases.sh
. "$top/.ci/cases.sh"

skips() {
  [[ $1 == real_recording && ! -d $recording ]] && echo "the recording is not here (no folder $recording)"
}

dc() { # the limit is long, since the first command builds the images
  timeout -k 10 900 "${compose[@]}" -p "$project" --project-directory "$work" -f "$work/docker-compose.yml" "$@" </dev/null
}

# builder [OPTION...] -- COMMAND...: a builder with stdin. OPTIONs are those of docker run, which is a second quicker
# than compose.
builder() {
  local options=()
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  timeout -k 10 120 docker run --rm -i --network none --read-only --cap-drop ALL --user "$uid:$gid" \
    --tmpfs /tmp -v "$work/volumes/images:/work/images" -v "$work/pipelines:/work/pipelines:ro" -w /work \
    "${options[@]}" rpc-builder "$@"
}

# start_w starts, once, a worker named w that serves all commands. in_w [OPTION...] -- COMMAND... is a builder that can
# call it.
w=$project-w
start_w() {
  docker container inspect "$w" >/dev/null 2>&1 && return
  docker volume create --opt type=tmpfs --opt device=tmpfs --opt "o=size=1m,uid=$uid,gid=$gid,mode=0770" "$w" >/dev/null
  docker run -d --name "$w" --network none --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
    --user "$uid:$gid" -v "$w:/run/rpc/w" rpc-hugin rpcd serve --listen /run/rpc/w/ --all-commands >/dev/null
  timeout 90 docker exec "$w" rpc ping --wait 60s /run/rpc/w/ >/dev/null || fail "the worker w does not answer: $(docker logs "$w" 2>&1 | tail -n 3)"
}
stop_w() {
  docker rm -f "$w" >/dev/null 2>&1 || true
  docker volume rm "$w" >/dev/null 2>&1 || true
}
in_w() { builder -v "$w:/run/rpc/w:ro" -e RPC_CHDIR=/ "$@"; }

# clean does the work of `down -v -t 1` for the projects of all tests at once. It uses the labels that both versions of
# compose set.
clean() {
  local name
  if [[ -n ${job:-} ]]; then kill "$job" 2>/dev/null || true; fi
  stop_w
  docker ps -aq --filter "name=^$project-(b|host)" | xargs -r docker rm -f >/dev/null
  for name in "$project" "${project}v2" "$project-own"; do
    docker ps -aq --filter "label=com.docker.compose.project=$name" | xargs -r docker rm -fv >/dev/null
    docker volume ls -q --filter "label=com.docker.compose.project=$name" | xargs -r docker volume rm >/dev/null
    docker network ls -q --filter "label=com.docker.compose.project=$name" | xargs -r docker network rm >/dev/null
  done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck source=.ci/containers-cases.sh
. "$top/.ci/containers-cases.sh"
# shellcheck source=.ci/containers-arrays.sh
. "$top/.ci/containers-arrays.sh"
# shellcheck source=.ci/containers-topics.sh
. "$top/.ci/containers-topics.sh"
# shellcheck source=.ci/containers-readme.sh
. "$top/.ci/containers-readme.sh"

choose <(cat "$top"/.ci/containers-{cases,arrays,topics,readme}.sh) "$@" # the sample run is the first case, which builds the images
need "$top/bin"
mkdir "$work/bin"
cp "$top"/{docker-compose.yml,.dockerignore} "$work/"
cp "$top"/bin/{rpc,rpcd} "$work/bin/"
tar -C "$top" -c --exclude=volumes/images/out --exclude=__pycache__ pipelines volumes client/python/rpcd | tar -C "$work" -x
((EUID)) || chown -R 0:0 "$work" # as in a new clone that root has made

# Older images may have older binaries, so they are built anew. The replaced ones are removed: each run would else leave
# images without a name.
declare -A service=(["rpc-builder"]=builder ["rpc-builder-arrays"]=builder-ml ["rpc-hugin"]=hugin ["rpc-ml"]=ml ["rpc-fft"]=fft ["rpc-builder-topics"]=builder-topics ["rpc-cam"]=cam ["rpc-tools"]=tools)
stale=() old=()
for image in "${!service[@]}"; do
  if id=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null); then stale+=("${service[$image]}") old+=("$id"); fi
done
if ((${#stale[@]})); then
  dc build "${stale[@]}" >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" && exit 1; }
  for image in $(comm -23 <(printf '%s\n' "${old[@]}" | sort) <(docker image inspect -f '{{.Id}}' "${!service[@]}" 2>/dev/null | sort)); do
    docker rmi "$image" >/dev/null 2>&1 || true # a container may use it
  done
fi
run_all
