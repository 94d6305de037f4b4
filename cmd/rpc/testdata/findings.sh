# findings.sh: what rpc doctor finds, for rows that say `use: findings`.
# shellcheck shell=bash

# findings COMMAND...: runs rpc doctor and prints what is bad, each with its cure, then its exit status. With -n before
# the command it prints the notes instead. The healthy lines are left out.
findings() {
  local what=bad s
  if [[ $1 == -n ]]; then
    what=note
    shift
  fi
  "$@" >found 2>err
  s=$?
  grep -A1 "^$what" found | grep -v '^ok\|^--' | sed 's/  */ /g'
  cat err
  echo "status $s"
}
