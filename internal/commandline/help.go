// Package commandline is what the command lines of rpc and rpcd share beside
// cobra: how help looks, and how a shell completes words. It knows no verb.
package commandline

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// SetHelp makes a command and its verbs print help in our words. usage are the
// command's own lines of usage, without "Usage: "; a verb's is its Use.
func SetHelp(root *cobra.Command, usage ...string) {
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		lines := []string{c.CommandPath() + strings.TrimPrefix(c.Use, c.Name())}
		if c == root {
			lines = usage
		}
		_, _ = fmt.Fprint(c.OutOrStdout(), help(c, lines))
	})
}

// help is the text: what the command does, its usage, its verbs and its options.
func help(c *cobra.Command, usage []string) string {
	var b strings.Builder
	about := c.Long
	if about == "" {
		about = c.Short
	}
	fmt.Fprintf(&b, "%s\n\nUsage: %s\n", strings.TrimSpace(about), strings.Join(usage, "\n       "))
	if c.HasAvailableSubCommands() {
		b.WriteString("\nVerbs (NAME help VERB says more):\n")
		for _, verb := range c.Commands() {
			if verb.IsAvailableCommand() || verb.Name() == "help" {
				fmt.Fprintf(&b, "  %-11s %s\n", verb.Name(), verb.Short)
			}
		}
	}
	if flag := c.Flags().Lookup("help"); flag != nil {
		flag.Usage = "print this"
	}
	if c.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nOptions:\n%s", c.Flags().FlagUsages())
	}
	return strings.ReplaceAll(b.String(), "NAME help VERB", c.Name()+" help VERB")
}
