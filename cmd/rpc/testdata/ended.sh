# ended.sh: who or what ended a call, for rows that say `use: ended`.
# shellcheck shell=bash

# ended NAME ARG...: runs a call with --status-fd. It keeps the report in NAME.json, and stderr in NAME.err.
ended() { rpc --status-fd 9 "${@:2}" 9>"$1.json" 2>"$1.err"; } 2>/dev/null # what bash says of its death

# says NAME: prints both, with U for this user's number, and without what differs from run to run.
says() {
  sed -E -e "s/\"by\":$UID,/\"by\":U,/" -e 's/,"worker".*//' "$1.json"
  sed -E -e "s/uid $UID\)/uid U)/" -e 's/after [0-9.]+s/after Ns/' "$1.err"
}

# id_of LABEL: the id of the call with that label, once it is there.
id_of() { wait_for found "$1" && cat id; }
found() { rpc ps "$W" | awk -v label="$1" '$NF == label { print $2 }' >id && [[ -s id ]]; }
