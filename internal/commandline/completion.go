package commandline

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// scripts are those for the shells, with NAME where the program's name belongs.
// Cobra's own run eval on the words of the line, and that for bash needs the package
// bash-completion, which slim images lack. Theirs and ours ask the program alike.
var (
	//go:embed completion.sh
	bash string
	//go:embed completion.zsh
	zsh string
	//go:embed completion.fish
	fish string
)

// Shells are those that Completion knows.
var Shells = []string{"bash", "zsh", "fish"}

// Completion writes the script that completes the words of a program, to be read by
// one of Shells.
func Completion(w io.Writer, root *cobra.Command, shell string) error {
	script := map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
	_, err := io.WriteString(w, strings.ReplaceAll(script, "NAME", root.Name()))
	return err
}

// IsShell says whether Completion knows a shell.
func IsShell(name string) bool { return slices.Contains(Shells, name) }

// Words completes an option's value with these words and nothing else.
func Words(words ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// Folders completes an option's value with names of folders.
func Folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// Nothing is for options whose value nobody can guess.
func Nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}
