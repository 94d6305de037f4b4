package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/internal/commandline"
	"rpcd/internal/printable"
)

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print a script that completes rpc's words",
		Long: `Print a script that completes verbs, options, workers that are up, and their
procedures and topics. None needs another package:
  bash  source <(rpc completion bash)
  zsh   source <(rpc completion zsh), behind compinit
  fish  rpc completion fish | source`,
		Args:      usageArgs(cobra.ExactArgs(1)),
		ValidArgs: commandline.Shells,
		RunE: func(c *cobra.Command, args []string) error {
			if !commandline.IsShell(args[0]) {
				return usage("cannot complete words in %q: write bash, zsh or fish", args[0])
			}
			return commandline.Completion(c.OutOrStdout(), c.Root(), args[0])
		},
	}
}

// completeOptions completes the values of a call's options.
func completeOptions(c *cobra.Command) {
	for option, complete := range map[string]cobra.CompletionFunc{
		"env":        completeVariable,
		"chdir":      commandline.Folders,
		"pass":       commandline.Words("all\tbut terminals", "pipes\tand /dev/null", "none\tas through a bridge"),
		"timeout":    commandline.Nothing,
		"wait":       commandline.Nothing,
		"heartbeat":  commandline.Nothing,
		"status-fd":  commandline.Nothing,
		"fd":         commandline.Nothing,
		"label":      commandline.Nothing,
		"server-uid": commandline.Nothing,
	} {
		_ = c.RegisterFlagCompletionFunc(option, complete) // fails for an unknown option, which the tests would see
	}
}

// completeVariable gives the names of this process's variables.
func completeVariable(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, printable.Line(name))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeCall completes WORKER and PROCEDURE. The words after them are files'
// names.
func completeCall(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return completeEntry(args, false)
}

// completeTopic completes WORKER and TOPIC.
func completeTopic(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeEntry(args, true)
}

// completeEntry completes WORKER, and the name of a procedure or of a topic.
func completeEntry(args []string, topic bool) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return upWorkers(), cobra.ShellCompDirectiveDefault
	case 1:
		ctx, cancel := forCompletion()
		defer cancel()
		infos, err := client.List(ctx, args[0], answerTime)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		for _, p := range infos[0].Procedures {
			if (p.Type == "topic") == topic {
				words = append(words, cobra.CompletionWithDesc(printable.Line(p.Name), printable.Line(p.Summary)))
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}
