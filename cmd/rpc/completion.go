package main

import (
	"context"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/internal/printable"
)

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print a script that completes rpc's words",
		Long: `Print a script that completes verbs, options, workers that are up, and their
procedures. For bash: source <(rpc completion bash)`,
		Args:      usageArgs(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(c *cobra.Command, args []string) error {
			out := c.OutOrStdout()
			switch args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(out, true)
			case "zsh":
				return c.Root().GenZshCompletion(out)
			}
			return c.Root().GenFishCompletion(out, true)
		},
	}
}

// completeCall completes WORKER and PROCEDURE. The words after them are files'
// names.
func completeCall(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return upWorkers(), cobra.ShellCompDirectiveDefault
	case 1:
		infos, err := client.List(context.Background(), args[0], answerTime)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		for _, p := range infos[0].Procedures {
			words = append(words, cobra.CompletionWithDesc(printable.Line(p.Name), printable.Line(p.Summary)))
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}
