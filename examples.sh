#!/usr/bin/env bash
# examples.sh: builds rpc and rpcd, then runs every session of README.md and compares what it prints, then the pipelines:
# pictures, camera, faces, transforms, topics. The last lines say what was made and where.
#
#   ./examples.sh                workers are local processes
#   ./examples.sh --containers   the pipelines in containers (docker with compose)
#   ./examples.sh --build        only build
#
# It installs what sessions and pipelines need and the machine lacks (socat, hugin-tools, enblend, imagemagick,
# python3-numpy, python3-opencv, opencv-data, python3-h5py), where it may: as root or by sudo, with apt-get. It says so before.
#
#   --no-install                 install nothing: leave out what lacks its tools, and say what
#   -h, --help                   this text
#
# In README.md a block ```console is a session. "$ " begins a command, and the lines below are its output. "..." stands
# for any rest of a line. A command that ends in "&" runs until the session's end. Exit status: 0, also if something was
# left out, 1 if an output differs or an installation fails, 2 for usage.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD

say() { printf '\n== %s\n' "$*"; }

refuse() { # MESSAGE
  printf 'examples.sh: %s\n' "$1" >&2
  exit 2
}

# The tools that sessions and pipelines need, and the Debian package of each: programs, modules of Python, and the model
# that finds faces.
declare -A package=([socat]=socat [hugin_executor]=hugin-tools [enblend]=enblend [convert]=imagemagick
  [numpy]=python3-numpy [cv2]=python3-opencv [haarcascades]=opencv-data [h5py]=python3-h5py)
left_out=()

# python_with prints the first python3 on PATH that has a module. A version manager's may stand before Debian's, which
# alone gets Debian's packages.
python_with() { # MODULE
  local python
  while read -r python; do
    "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)" 2>/dev/null || continue
    echo "$python"
    return
  done < <(type -aP python3)
  return 1
}

has() { # TOOL
  case $1 in
  numpy | cv2 | h5py) python_with "$1" >/dev/null ;;
  haarcascades) [ -e /usr/share/opencv4/haarcascades ] ;;
  *) command -v "$1" >/dev/null ;;
  esac
}

missing() { # TOOL...: prints those that aren't there
  local tool
  for tool; do has "$tool" || printf '%s ' "$tool"; done
}

# provide installs what is missing of the tools, if it may. What it may not install stays missing.
provide() { # TOOL...
  local tools packages=() tool apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  tools=$(missing "$@")
  [ -n "$tools" ] && [ "$install" ] || return 0
  for tool in $tools; do packages+=("${package[$tool]}"); done
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here: what needs ${tools% } is left out"
    return 0
  elif [ "$(id -u)" != 0 ]; then
    # Without a terminal sudo may not ask for a password.
    if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      say "neither root nor sudo here: what needs ${tools% } is left out (as root: apt-get install ${packages[*]})"
      return 0
    fi
    apt=(sudo "${apt[@]}")
  fi
  say "install ${packages[*]} (--no-install leaves out what needs them)"
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null
}

# lacks reports what a part can't run without, and notes that the part is left out.
lacks() { # PART TOOL...
  local part=$1 tools tool names=''
  shift
  tools=$(missing "$@")
  [ -n "$tools" ] || return 1
  for tool in $tools; do names+=" ${package[$tool]}"; done
  echo "(left out: it needs ${tools% }: apt-get install$names)"
  left_out+=("$part (needs ${tools% })")
}

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
      # shellcheck disable=SC2086 # tools, which are words without blanks
      if ! lacks "README.md's session $n" $needs; then
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
  ! lacks "the picture pipeline" hugin_executor enblend convert || return 0
  (
    dir=$(mktemp -d)
    trap 'end_jobs; rm -rf "$dir"' EXIT
    cp -R volumes/hugin/exports "$dir/exports"
    mkdir "$dir/hugin"
    export RPC_DIR=$dir RPC_WAIT=5s
    OMP_NUM_THREADS=1 rpcd serve --listen "$dir/hugin/" --exports "$dir/exports" 2>"$dir/rpcd.log" &
    pipelines/data_prep.sh volumes/images/in volumes/images/out
  )
  made+=(volumes/images/out/*.png)
}

# beside runs a pipeline with a worker that is local processes: so many replicas, whose Python has a module.
beside() ( # WORKER REPLICAS MODULE COMMAND...
  dir=$(mktemp -d)
  trap 'end_jobs; rm -rf "$dir"' EXIT
  cp -R "volumes/$1/exports" "$dir/exports"
  mkdir "$dir/$1" "$dir/bin"
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$(python_with "$3")" >"$dir/bin/python3"
  chmod +x "$dir/bin/python3"
  with=(env PATH="$dir/bin:$PATH" RPC_DIR="$dir" PYTHONPATH="$root/client/python")
  for ((n = 1; n <= $2; n++)); do
    "${with[@]}" rpcd serve --listen "$dir/$1/$n.sock" --exports "$dir/exports" 2>>"$dir/rpcd.log" &
  done
  "${with[@]}" "${@:4}"
)

# arrays runs the pipelines whose records are NumPy arrays.
arrays() {
  say "the camera, here"
  lacks "the camera" numpy || beside camera 1 numpy pipelines/camera.sh
  say "the faces, here"
  lacks "the faces" numpy cv2 haarcascades convert || beside ml 1 cv2 pipelines/detect.sh
  say "the transforms, here"
  lacks "the transforms" numpy || beside fft 4 numpy pipelines/fft.sh
  say "the broadcast, here"
  lacks "the broadcast" numpy h5py || beside cam 1 h5py pipelines/broadcast.sh
  say "the latest frame, here"
  lacks "the latest frame" numpy || beside cam 1 numpy pipelines/share.sh
}

containers() {
  say "the images and the workers"
  .ci/engine.sh
  .ci/base-image.sh
  if docker compose version >/dev/null 2>&1; then compose() { docker compose "$@"; }; else compose() { docker-compose "$@"; }; fi
  compose build
  trap 'compose down -v -t 1' EXIT
  say "what is there"
  compose run --rm -T builder rpc ls -l
  say "the picture pipeline, in containers"
  compose run --rm -T builder pipelines/data_prep.sh images/in images/out
  made+=(volumes/images/out/*.png)
  say "the camera, in containers"
  compose run --rm -T builder-ml pipelines/camera.sh
  say "the faces, in containers"
  compose run --rm -T builder-ml pipelines/detect.sh
  say "the transforms, in containers"
  compose run --rm -T builder-fft pipelines/fft.sh
  say "the broadcast, in containers"
  compose run --rm -T builder-topics pipelines/broadcast.sh
  say "the latest frame, in containers"
  compose run --rm -T builder-topics pipelines/share.sh
}

what='' install=yes made=()
while (($#)); do
  case $1 in
  --containers | --build) [ -z "$what" ] || refuse "cannot do both, $what and $1 (see --help)" && what=$1 ;;
  --no-install) install='' ;;
  -h | --help)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
    exit 0
    ;;
  *) refuse "unknown argument \"$1\" (see --help)" ;;
  esac
  shift
done

build
made+=(bin/rpc bin/rpcd)
PATH=$root/bin:$PATH
case $what in
'')
  provide socat hugin_executor enblend convert numpy cv2 haarcascades h5py
  sessions
  pictures
  arrays
  ;;
--containers) containers ;;
--build) exit 0 ;;
esac

say "made, in $root"
ls -l "${made[@]}"
if ((${#left_out[@]})); then
  say "all well, but left out"
  printf '%s\n' "${left_out[@]}"
  [ -z "${RPCD_TEST_ALL-}" ] # set by test.sh, for which nothing may be left out
else
  say "all well"
fi
