package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rpcd/internal/commandline"
)

// noVerb is the error of a word that is no verb.
func noVerb(word string) error {
	return usageError{fmt.Errorf("there is no verb %q (see rpcd help)", word)}
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "more on a VERB (help exports: the files of an exports directory)",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) (verbs []string, _ cobra.ShellCompDirective) {
			for _, verb := range c.Root().Commands() {
				if !verb.Hidden {
					verbs = append(verbs, cobra.CompletionWithDesc(verb.Name(), verb.Short))
				}
			}
			return verbs, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			verb, _, err := c.Root().Find(args)
			if len(args) > 0 && (err != nil || !verb.HasParent()) {
				return noVerb(args[0])
			}
			verb.InitDefaultHelpFlag()
			return verb.Help()
		},
	}
}

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "print a script that completes rpcd's words",
		Args:      usageArgs(cobra.ExactArgs(1)),
		ValidArgs: commandline.Shells,
		RunE: func(c *cobra.Command, args []string) error {
			if !commandline.IsShell(args[0]) {
				return usageError{fmt.Errorf("cannot complete words in %q: write bash, zsh or fish", args[0])}
			}
			return commandline.Completion(c.OutOrStdout(), c.Root(), args[0])
		},
	}
}

// completeServe completes the values of serve's flags.
func completeServe(c *cobra.Command) {
	for flag, complete := range map[string]cobra.CompletionFunc{
		"exports":    commandline.Folders,
		"workdir":    commandline.Folders,
		"run-as":     commandline.Words("caller"),
		"log-format": commandline.Words("text", "json"),
		"log-level":  commandline.Words("trace", "debug", "info", "warn", "error", "off"),
	} {
		_ = c.RegisterFlagCompletionFunc(flag, complete) // fails for an unknown flag alone
	}
}
