# Completion of NAME for fish 3. It never runs or expands a word of the line.

function __NAME_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l plain (string unescape -- $current)
    test -n "$plain"; or set plain $current
    set -l program $words[1]
    type --query --no-functions -- $program; or set program NAME
    set -l out (command $program __complete $words[2..] "$plain" 2>/dev/null)
    or return
    set -l directive (string replace : '' -- $out[-1]) # a number, as in github.com/spf13/cobra, bash_completionsV2.go
    set -e out[-1]
    if test (math "$directive % 2") -eq 1 # an error
        return
    end
    set -l option (string match --regex -- '^-[^=]*=' "$plain") # what it takes stands behind its =
    for line in $out
        test -n "$line"; and printf '%s%s\n' "$option" $line
    end
    if test (math "floor($directive / 16) % 2") -eq 1
        __fish_complete_directories (string replace -- "$option" '' "$plain")
    else if test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path (string replace -- "$option" '' "$plain")
    end
end

complete -c NAME --erase
complete -c NAME --no-files --arguments '(__NAME_complete)'
