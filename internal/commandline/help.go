// Package commandline is what the command lines of rpc and rpcd share beside
// cobra: how help looks, and how a shell completes words. It knows no verb.
package commandline

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// columns is how wide a line of help may be: what a terminal shows unless somebody
// has made it wider.
const columns = 80

// SetHelp makes a command and its verbs print help in our words. usage is the
// command's own line of usage, without "Usage: "; a verb's is its Use.
func SetHelp(root *cobra.Command, usage string) {
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		line := c.CommandPath() + strings.TrimPrefix(c.Use, c.Name())
		if c == root {
			line = usage
		}
		_, _ = fmt.Fprint(c.OutOrStdout(), help(c, line))
	})
}

// help is the text: what the command does, its usage, its verbs and its options.
func help(c *cobra.Command, usage string) string {
	var b strings.Builder
	about := c.Long
	if about == "" {
		about = c.Short
	}
	fmt.Fprintf(&b, "%s\n\nUsage: %s\n", strings.TrimSpace(about), usage)
	if c.HasAvailableSubCommands() {
		b.WriteString("\nVerbs (NAME VERB ...; NAME help VERB says more):\n")
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
		fmt.Fprintf(&b, "\nOptions:\n%s", c.Flags().FlagUsagesWrapped(columns+1))
	}
	return strings.NewReplacer("NAME help VERB", c.Name()+" help VERB", "NAME VERB ...", c.Name()+" VERB ...").Replace(b.String())
}
