package commandline

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// bash is the script for bash. Cobra's own needs the package bash-completion, which
// slim images lack, and runs eval on the words of the line.
//
//go:embed completion.sh
var bash string

// Shells are those that Completion knows.
var Shells = []string{"bash", "zsh", "fish"}

// Completion writes the script that completes the words of a program, to be read by
// one of Shells.
func Completion(w io.Writer, root *cobra.Command, shell string) error {
	switch shell {
	case "bash":
		_, err := io.WriteString(w, strings.ReplaceAll(bash, "NAME", root.Name()))
		return err
	case "zsh":
		return root.GenZshCompletion(w)
	}
	return root.GenFishCompletion(w, true)
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
