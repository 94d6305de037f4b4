#compdef NAME
# Completion of NAME for zsh 5. It never runs or expands a word of the line.

_NAME() {
  local -a args found files
  local out line name program=NAME directive tab=$'\t'
  # The words before the cursor, without their quotes.
  args=("${(@Q)words[2,CURRENT-1]}" "${(Q)${words[CURRENT]%$SUFFIX}}")
  (( ${+commands[${(Q)words[1]}]} )) || [[ ${words[1]} == */* ]] && program=${(Q)words[1]}
  out=$(command "$program" __complete "${args[@]}" 2>/dev/null) || return 1
  directive=${out##*:} # a number, as in github.com/spf13/cobra, bash_completionsV2.go
  (( directive & 1 )) && return 1 # an error
  compset -P '-*=' # what an option takes stands behind its =
  for line in "${(@f)out%:*}"; do
    [[ -n $line ]] || continue
    name=${line%%$tab*}
    name=${name//\\/\\\\}
    name=${name//:/\\:}
    [[ $line == *$tab* ]] && name+=:${line#*$tab}
    found+=("$name")
  done
  (( directive & 2 )) && files=(-S '') # more may follow
  if (( ${#found} )); then
    _describe -t words 'words of NAME' found "${files[@]}" && return 0
  fi
  if (( directive & 16 )); then
    _files -/
  elif (( directive & 4 )); then
    return 1
  else
    _files
  fi
}

if [[ ${funcstack[1]} == _NAME ]]; then # zsh has loaded this file for its first completion
  _NAME "$@"
else
  compdef _NAME NAME
fi
