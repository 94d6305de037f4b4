# Completion of NAME for bash 4.3 and later. It needs no other package, and never runs or expands a word of the line.
# shellcheck shell=bash

# _NAME_words splits the line at its blanks into the array words, the last of which is the one under the cursor.
# Bash splits at = and : too, which stay in words here.
_NAME_words() {
  local line=${COMP_LINE:0:COMP_POINT} i word
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then word=${line#"${line%%[![:blank:]]*}"}; fi
    if ((${#words[@]} == 0)) || [[ $line == [[:blank:]]* ]]; then
      words+=("$word")
    else
      words[-1]+=$word
    fi
    line=${line#"${line%%[![:blank:]]*}"}
    line=${line#"$word"}
  done
}

# _NAME_plain takes the quotes off a word, as far as that is simple.
_NAME_plain() {
  case $1 in
  \'*\' | \"*\") plain=${1:1:-1} ;;
  \~/*) plain=$HOME/${1#\~/} ;;
  *) plain=${1//\\/} ;;
  esac
}

_NAME_complete() {
  local words=() word plain program args=() out directive cur list=() names=() i tab=$'\t' longest=0
  _NAME_words
  COMPREPLY=()
  for word in "${words[@]}"; do
    _NAME_plain "$word"
    args+=("$plain")
  done
  program=$(type -P "${args[0]}") || program=NAME
  out=$("$program" __complete "${args[@]:1}" 2>/dev/null) || return 0
  directive=${out##*:} # a number, as in github.com/spf13/cobra, bash_completionsV2.go
  out=${out%:*}
  ((directive & 1)) && return 0                        # an error
  ((directive & 2)) && compopt -o nospace              # more may follow
  ((directive & 4)) && compopt +o default              # no names of files
  ((directive & 16)) && compopt +o default -o dirnames # but those of folders
  cur=${args[-1]}
  if [[ $cur == -*=* ]]; then cur=${cur#*=}; fi
  while IFS= read -r word; do
    if [[ -n $word && $word == "$cur"* ]]; then
      list+=("$word")
      printf -v word %q "${word%%"$tab"*}"
      names+=("$word")
      ((${#word} > longest)) && longest=${#word}
    fi
  done <<<"$out"
  for i in "${!list[@]}"; do
    word=${names[i]}
    if ((${#list[@]} > 1)) && [[ ${list[i]} == *"$tab"* ]]; then # bash shows the list, and inserts what its lines have in common
      printf -v word '%-*s  (%s)' "$longest" "$word" "${list[i]#*"$tab"}"
    fi
    COMPREPLY+=("$word")
  done
  # Bash replaces what stands behind the last : alone.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
  fi
}

complete -o default -F _NAME_complete NAME
