package main

import (
	"io"

	"github.com/spf13/cobra"

	"rpcd/internal/manual"
)

// exportsTopic is a help text, no verb: cobra prints it for `rpcd help exports`.
func exportsTopic() *cobra.Command {
	c := &cobra.Command{Use: "exports", Short: "the files of an exports directory, and who may own them"}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { _, _ = io.WriteString(c.OutOrStdout(), manual.Exports) })
	return c
}
