package main

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"rpcd/internal/manual"
	"rpcd/internal/version"
)

// showHelp prints the help of c, with the verb and the option for help in it:
// cobra adds these two only when it executes.
func showHelp(c *cobra.Command) {
	c.InitDefaultHelpCmd()
	c.InitDefaultHelpFlag()
	_ = c.Help()
}

// exportsTopic is the word after help that isn't a verb.
const exportsTopic = "exports"

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "more on a VERB (help exports: the files of an exports directory)",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) (verbs []string, _ cobra.ShellCompDirective) {
			for _, verb := range c.Root().Commands() {
				if verb.Hidden {
					continue // cobra's own
				}
				verbs = append(verbs, cobra.CompletionWithDesc(verb.Name(), verb.Short))
			}
			verbs = append(verbs, cobra.CompletionWithDesc(exportsTopic, "the files of an exports directory"))
			return verbs, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			verb, _, err := c.Root().Find(args)
			switch {
			case len(args) == 1 && args[0] == exportsTopic:
				_, err := io.WriteString(c.OutOrStdout(), manual.Exports)
				return err
			case len(args) == 0, err == nil && verb.HasParent():
				showHelp(verb)
				return nil
			case sayInstead(args[0], nil) != "":
				return usage("there is no verb %q: %s", args[0], sayInstead(args[0], nil))
			case slices.Contains(version.Verbs, args[0]):
				return usage("%q is a verb to come (see rpc help)", args[0])
			}
			hint := "see rpc help"
			if near := nearVerb(args[0]); near != "" {
				hint = "did you mean rpc help " + near + "?"
			}
			return usage("there is no verb %q (%s)", args[0], hint)
		},
	}
}
